#include "eval/batch_judge_reply.h"

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "base/strings.h"

namespace selftune::eval {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsLetter(char c) {
  const char lower = base::ToLower(c);
  return lower >= 'a' && lower <= 'z';
}

// Emphasis, quotes and list marks that models put around numbers and answers.
std::string_view SkipMarks(std::string_view text) {
  while (!text.empty() && (base::IsSpace(text[0]) || text[0] == '*' || text[0] == '_' ||
                           text[0] == '`' || text[0] == '"' || text[0] == '#' || text[0] == '>')) {
    text.remove_prefix(1);
  }
  return text;
}

// YES or NO as a whole word at the start; `rest` moves behind it.
BatchAnswer TakeAnswer(std::string_view& rest) {
  const auto take = [&](std::string_view word) {
    if (!base::StartsWithIgnoreCase(rest, word)) return false;
    if (rest.size() > word.size() && IsLetter(rest[word.size()])) return false;
    rest.remove_prefix(word.size());
    return true;
  };
  if (take("yes")) return BatchAnswer::kYes;
  return take("no") ? BatchAnswer::kNo : BatchAnswer::kInvalid;
}

// "YES/NO", "yes or no", "NO, YES": no answer, but both.
bool GivesBoth(std::string_view rest, BatchAnswer first) {
  while (!rest.empty() && (base::IsSpace(rest[0]) || rest[0] == '/' || rest[0] == ',' ||
                           rest[0] == '|' || rest[0] == '&' || rest[0] == '*')) {
    rest.remove_prefix(1);
  }
  for (const std::string_view conjunction : {"or ", "and "}) {
    if (base::StartsWithIgnoreCase(rest, conjunction)) {
      rest = base::Trim(rest.substr(conjunction.size()));
    }
  }
  const BatchAnswer second = TakeAnswer(rest);
  return second != BatchAnswer::kInvalid && second != first;
}

struct Line {
  std::optional<int64_t> number;  // absent: too large for any list
  BatchAnswer answer = BatchAnswer::kInvalid;
  bool both = false;
};

// nullopt: not an answer line.
std::optional<Line> ReadLine(std::string_view text) {
  text = SkipMarks(text);
  if (text.starts_with("- ")) text = SkipMarks(text.substr(2));
  size_t digits = 0;
  while (digits < text.size() && IsDigit(text[digits])) ++digits;
  if (digits == 0) return std::nullopt;
  size_t end = digits;
  bool marked = false;  // "3." or "3)" and not merely "3 "
  while (end < text.size() && (text[end] == '.' || text[end] == ')' || text[end] == ':' ||
                               text[end] == '*' || base::IsSpace(text[end]))) {
    marked = marked || text[end] == '.' || text[end] == ')' || text[end] == ':';
    ++end;
  }
  if (end == digits) return std::nullopt;
  std::string_view rest = SkipMarks(text.substr(end));
  Line line;
  line.number = base::ParseInt(text.substr(0, digits));
  line.answer = TakeAnswer(rest);
  if (line.answer == BatchAnswer::kInvalid) {
    return marked ? std::optional(line) : std::nullopt;
  }
  line.both = GivesBoth(rest, line.answer);
  return line;
}

}  // namespace

StatusOr<std::vector<BatchAnswer>> ParseBatchReply(std::string_view reply, size_t count) {
  std::vector<BatchAnswer> answers(count, BatchAnswer::kInvalid);
  std::vector<bool> seen(count, false);
  for (const std::string_view text : base::Split(reply, '\n')) {
    const auto line = ReadLine(text);
    if (!line) continue;
    const int64_t number = line->number.value_or(-1);
    if (number < 1 || static_cast<size_t>(number) > count) {
      return Fail(kInvalidReply, "reading {} answers: a line has number {}", count, number);
    }
    const auto index = static_cast<size_t>(number) - 1;
    if (seen[index]) {
      return Fail(kInvalidReply, "reading {} answers: number {} occurs twice", count, number);
    }
    if (line->both) {
      return Fail(kInvalidReply, "reading {} answers: number {} is both YES and NO", count, number);
    }
    seen[index] = true;
    answers[index] = line->answer;
  }
  return answers;
}

BatchAnswer ParseSingleReply(std::string_view reply) {
  std::string_view rest = SkipMarks(reply);
  const BatchAnswer answer = TakeAnswer(rest);
  return GivesBoth(rest, answer) ? BatchAnswer::kInvalid : answer;
}

}  // namespace selftune::eval
