#include "eval/hygiene.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "eval/injection.h"
#include "eval/query_features.h"
#include "llm/redact.h"
#include "signals/skill_names.h"

namespace selftune::eval {
namespace {

constexpr size_t kMaintenanceReach = 4;  // words between verb and object

constexpr std::string_view kMaintenanceVerbs[] = {
    "grade",     "review",    "audit",      "inspect",     "analyze",   "analyse",  "understand",
    "explain",   "find",      "locate",     "update",      "fix",       "repair",   "improve",
    "debug",     "document",  "publish",    "grading",     "reviewing", "auditing", "inspecting",
    "analyzing", "analysing", "explaining", "finding",     "locating",  "updating", "fixing",
    "repairing", "improving", "debugging",  "documenting", "publishing"};
constexpr std::string_view kSkillNouns[] = {"skill",    "skills", "plugin",   "command",
                                            "workflow", "agent",  "subagent", "tool"};
// The skill behind one of these is the means, not the object.
constexpr std::string_view kMeans[] = {"with", "using", "via", "by", "through"};

bool IsNameChar(char c) {
  const char lower = base::ToLower(c);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '.' || c == ':' || static_cast<unsigned char>(c) >= 0x80;
}

// Words of a query; a mark that ends a sentence leaves an empty word.
std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> out;
  size_t i = 0;
  while (i < text.size()) {
    if (!IsNameChar(text[i])) {
      if (text[i] == '!' || text[i] == '?' || text[i] == ';') out.push_back("");
      ++i;
      continue;
    }
    const size_t begin = i;
    while (i < text.size() && IsNameChar(text[i])) ++i;
    std::string_view word = text.substr(begin, i - begin);
    bool ends = false;
    while (!word.empty() && (word.back() == '.' || word.back() == ':')) {
      ends = true;
      word.remove_suffix(1);
    }
    if (!word.empty()) out.push_back(word);
    if (ends) out.push_back("");
  }
  return out;
}

// Do the words from `at` spell the skill's name? Returns how many do, or 0.
size_t NameLength(const std::vector<std::string_view>& words, size_t at, std::string_view skill) {
  std::string spelled;
  for (size_t n = 1; n <= 4 && at + n <= words.size(); ++n) {
    if (words[at + n - 1].empty()) return 0;
    spelled.append(n > 1 ? " " : "").append(words[at + n - 1]);
    if (signals::SameName(spelled, skill) || signals::SameName(spelled, signals::LastPart(skill))) {
      return n;
    }
  }
  return 0;
}

// "skill", "SKILL.md", or the name of the skill and a word like "plugin".
bool IsSkillItself(const std::vector<std::string_view>& words, size_t at, std::string_view skill) {
  if (base::EqualsIgnoreCase(words[at], "skill") || base::EqualsIgnoreCase(words[at], "skill.md")) {
    return true;
  }
  const size_t n = NameLength(words, at, skill);
  return n > 0 && at + n < words.size() && IsOneOf(words[at + n], kSkillNouns);
}

}  // namespace

HygieneResult CheckHygiene(std::string_view query) {
  HygieneResult result = signals::CheckAuthor(query);
  if (result.verdict != HygieneVerdict::kKeep) return result;
  if (IsInjection(result.text)) return {HygieneVerdict::kQuarantine, "injection", result.text};
  if (llm::HasSecret(result.text)) return {HygieneVerdict::kQuarantine, "secret", result.text};
  return result;
}

bool IsMaintenance(std::string_view query, std::string_view skill) {
  const std::vector<std::string_view> words = Words(query);
  for (size_t verb = 0; verb < words.size(); ++verb) {
    if (!IsOneOf(words[verb], kMaintenanceVerbs)) continue;
    const size_t end = std::min(words.size(), verb + 1 + kMaintenanceReach);
    for (size_t at = verb + 1; at < end; ++at) {
      if (words[at].empty() || IsOneOf(words[at], kMeans)) break;
      if (IsSkillItself(words, at, skill)) return true;
    }
  }
  return false;
}

}  // namespace selftune::eval
