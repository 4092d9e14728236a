#include "schedule/crontab.h"

#include <array>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/strings.h"

namespace selftune::schedule {
namespace {

// As the reference began and ended its own, which are taken out as well.
constexpr std::string_view kBegin = "# BEGIN SELFTUNE";
constexpr std::string_view kEnd = "# END SELFTUNE";
constexpr std::string_view kHash = " hash ";
constexpr std::string_view kAddedEnd = " after a line without end";
constexpr size_t kLongest = 998;  // bytes of a line

// The next line with its end; `rest` begins behind it.
std::string_view TakeLine(std::string_view& rest) {
  const size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end == rest.npos ? rest.size() : end + 1);
  rest.remove_prefix(line.size());
  return line;
}

bool IsEdited(std::string_view begin, std::string_view lines) {
  const size_t at = begin.find(kHash);
  if (at == begin.npos) return false;  // of an older version
  const std::string_view hash = base::Trim(begin.substr(at + kHash.size()));
  return hash.substr(0, hash.find(' ')) != base::Sha256Hex(lines);
}

bool IsNumber(std::string_view text, int lowest, int highest) {
  const auto number = base::ParseInt(text);
  return number.has_value() && *number >= lowest && *number <= highest;
}

bool IsRange(std::string_view text, int lowest, int highest) {
  const size_t slash = text.find('/');
  if (slash != text.npos && !IsNumber(text.substr(slash + 1), 1, highest)) return false;
  const std::string_view range = text.substr(0, slash);
  if (range == "*") return true;
  const size_t dash = range.find('-');
  if (dash == range.npos) return IsNumber(range, lowest, highest);
  return IsNumber(range.substr(0, dash), lowest, highest) &&
         IsNumber(range.substr(dash + 1), lowest, highest);
}

}  // namespace

StatusOr<Crontab> SplitCrontab(std::string_view text) {
  Crontab out;
  while (!text.empty()) {
    const std::string_view line = TakeLine(text);
    if (!line.starts_with(kBegin)) {
      out.others += line;
      continue;
    }
    std::string lines;
    std::string_view last;
    while (!text.empty() && !last.starts_with(kEnd)) {
      last = TakeLine(text);
      if (!last.starts_with(kEnd)) lines += last;
    }
    if (!last.starts_with(kEnd)) {
      return WithSuggestion(
          Fail(kConflicted, "reading the crontab: \"{}\" has no \"{}\"", base::Trim(line), kEnd),
          "add that line behind the lines of selftune with crontab -e", "selftune cron status");
    }
    out.edited = out.edited || IsEdited(line, lines);
    out.block += std::string(line) + lines + std::string(last);
    const bool added = line.find(kAddedEnd) != line.npos;
    if (added && out.others.ends_with('\n')) out.others.pop_back();
  }
  return out;
}

std::string MakeBlock(std::string_view lines) {
  return fmt::format("{} managed by selftune,{}{}\n{}{}\n", kBegin, kHash, base::Sha256Hex(lines),
                     lines, kEnd);
}

std::string JoinCrontab(std::string_view others, std::string_view block) {
  std::string out(others);
  std::string ours(block);
  if (!out.empty() && !out.ends_with('\n')) {
    out += '\n';
    ours.insert(ours.find('\n'), kAddedEnd);
  }
  return out + ours;
}

std::string ProblemOfLine(std::string_view line) {
  struct Field {
    std::string_view name;
    int lowest, highest;
  };
  constexpr std::array<Field, 5> kFields = {
      {{"minute", 0, 59}, {"hour", 0, 23}, {"day", 1, 31}, {"month", 1, 12}, {"weekday", 0, 7}}};
  if (line.size() > kLongest)
    return fmt::format("it has {} bytes, cron takes {}", line.size(), kLongest);
  if (line.find_first_of("\r\n") != line.npos) return "it has a line end in it";
  for (const Field& field : kFields) {
    const std::string_view word = line.substr(0, line.find(' '));
    for (const std::string_view part : base::Split(word, ',')) {
      if (!IsRange(part, field.lowest, field.highest)) {
        return fmt::format("{} is no {}", word, field.name);
      }
    }
    line.remove_prefix(std::min(line.size(), word.size() + 1));
  }
  if (base::Trim(line).empty()) return "it has no command";
  for (size_t at = line.find('%'); at != line.npos; at = line.find('%', at + 1)) {
    if (at == 0 || line[at - 1] != '\\') return "a % is not escaped";
  }
  return {};
}

}  // namespace selftune::schedule
