// What a person typed: the host wraps arguments of `run` in quotes, and puts the
// text of a skill in the place of its command.
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/strings.h"
#include "hosts/opencode/session.h"

namespace selftune::hosts::opencode {
namespace {

constexpr std::string_view kFolderLine = "Base directory for this skill: ";
constexpr std::string_view kRelativeLine = "Relative paths in this skill";

// "a \"b\" c" as a whole -> a "b" c; nullopt if it is anything else. Only
// arguments with white space are wrapped.
std::optional<std::string> Unquoted(std::string_view text) {
  if (text.size() < 3 || text.front() != '"' || text.back() != '"') return std::nullopt;
  text = text.substr(1, text.size() - 2);
  if (text.find_first_of(" \t\n") == std::string_view::npos) return std::nullopt;
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') return std::nullopt;  // two arguments
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '"') ++i;
    out.push_back(text[i]);
  }
  return out;
}

// The last line of a skill's text that names its folder.
size_t FindFolderLine(std::string_view text) {
  for (size_t at = text.rfind(kFolderLine); at != std::string_view::npos && at != 0;
       at = text.rfind(kFolderLine, at - 1)) {
    const size_t next = text.find('\n', at);
    if (text[at - 1] == '\n' && next != std::string_view::npos &&
        text.substr(next + 1).starts_with(kRelativeLine)) {
      return at;
    }
  }
  return std::string_view::npos;
}

std::optional<TypedText> ExpandedSkill(std::string_view stored) {
  const size_t at = FindFolderLine(stored);
  if (at == std::string_view::npos) return std::nullopt;
  TypedText typed;
  std::string_view rest = stored.substr(at + kFolderLine.size());
  size_t end = rest.find('\n');
  typed.dir = base::Trim(rest.substr(0, end));
  while (typed.dir.size() > 1 && typed.dir.ends_with('/')) typed.dir.pop_back();
  typed.skill = base::BaseName(typed.dir);
  if (typed.skill.empty()) return std::nullopt;
  rest.remove_prefix(end + 1);
  end = rest.find('\n');
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  typed.args = base::Trim(rest);
  typed.body = base::Trim(stored.substr(0, at));
  typed.text = "/" + typed.skill;
  if (!typed.args.empty()) typed.text.append(" ").append(typed.args);
  return typed;
}

}  // namespace

TypedText ReadTypedText(std::string_view stored, bool quoted) {
  if (auto expanded = ExpandedSkill(stored); expanded.has_value()) return *std::move(expanded);
  TypedText typed;
  // `run` also appends what it reads from its input, if only a line end.
  while (stored.ends_with('\n')) stored.remove_suffix(1);
  if (quoted) {
    if (auto plain = Unquoted(stored); plain.has_value()) {
      typed.text = *std::move(plain);
      return typed;
    }
  }
  typed.text = stored;
  return typed;
}

}  // namespace selftune::hosts::opencode
