#include "signals/invocation_mode.h"

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/strings.h"
#include "signals/skill_names.h"

namespace selftune::signals {
namespace {

bool IsWord(char c) {
  const char lower = base::ToLower(c);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool IsJoint(char c) { return c == '-' || c == '_' || c == ':' || c == '.' || base::IsSpace(c); }

// End of `name` in `text` from `begin`, if it stands there; joints of the name
// match any run of joints or nothing.
std::optional<size_t> MatchAt(std::string_view text, size_t begin, std::string_view name) {
  size_t i = begin;
  for (size_t j = 0; j < name.size(); ++j) {
    if (IsJoint(name[j])) {
      while (j + 1 < name.size() && IsJoint(name[j + 1])) ++j;
      while (i < text.size() && IsJoint(text[i])) ++i;
      continue;
    }
    if (i == text.size() || base::ToLower(text[i]) != base::ToLower(name[j])) return std::nullopt;
    ++i;
  }
  return i;
}

// Nothing before `at` makes the word longer; a '.' after a word starts an
// extension.
bool BeginsWord(std::string_view text, size_t at) {
  if (at == 0) return true;
  const char before = text[at - 1];
  if (IsWord(before)) return false;
  const bool attached = before == '-' || before == '.';
  return !(attached && at >= 2 && IsWord(text[at - 2]));
}

bool EndsWord(std::string_view text, size_t at) {
  if (at == text.size()) return true;
  if (IsWord(text[at])) return false;
  const bool attached = text[at] == '-' || text[at] == '.';
  return !(attached && at + 1 < text.size() && IsWord(text[at + 1]));
}

bool Contains(std::string_view text, std::string_view name) {
  if (name.empty()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (base::ToLower(text[i]) != base::ToLower(name[0]) || !BeginsWord(text, i)) continue;
    const auto end = MatchAt(text, i, name);
    if (end && EndsWord(text, *end)) return true;
  }
  return false;
}

}  // namespace

bool PromptNamesSkill(std::string_view prompt, std::string_view skill) {
  const std::string_view last = LastPart(skill);
  return Contains(prompt, skill) || (last.size() != skill.size() && Contains(prompt, last));
}

}  // namespace selftune::signals
