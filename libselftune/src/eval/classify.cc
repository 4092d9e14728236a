#include "eval/classify.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "eval/query_features.h"

namespace selftune::eval {
namespace {

constexpr size_t kManyWords = 15;  // more make a query contextual
constexpr size_t kSomeWords = 10;  // from here on numbers and acronyms do

constexpr std::string_view kRouteVerbs[] = {
    "use",   "using", "run",    "running", "invoke",  "invoking", "call", "launch", "open",
    "start", "apply", "follow", "load",    "trigger", "activate", "try",  "ask"};
constexpr std::string_view kDeterminers[] = {"the", "my", "our", "your", "this", "that", "a", "an"};
constexpr std::string_view kSkillNouns[] = {"skill",    "skills", "plugin",   "command",
                                            "workflow", "agent",  "subagent", "tool"};
constexpr std::string_view kNaming[] = {"called", "named"};
constexpr std::string_view kGenericNames[] = {
    "commit",   "review",    "test",      "tests",   "debug",  "deploy", "docs",  "design",
    "research", "search",    "write",     "writing", "edit",   "plan",   "build", "release",
    "lint",     "format",    "email",     "browser", "image",  "slides", "deck",  "notes",
    "report",   "translate", "summarize", "git",     "docker", "python", "react"};

std::vector<std::string> NameParts(std::string_view skill) {
  std::vector<std::string> parts;
  std::string part;
  for (const char c : skill) {
    if (c != '-' && c != '_' && !base::IsSpace(c)) {
      part.push_back(base::ToLower(c));
    } else if (!part.empty()) {
      parts.push_back(std::move(part));
      part.clear();
    }
  }
  if (!part.empty()) parts.push_back(std::move(part));
  return parts;
}

// The word that ends right before `at`, blanks skipped; "" if something else
// does. `at` moves to its beginning.
std::string_view WordBefore(std::string_view text, size_t& at) {
  size_t end = at;
  while (end > 0 && base::IsSpace(text[end - 1])) --end;
  size_t begin = end;
  while (begin > 0 && IsWordChar(text[begin - 1])) --begin;
  at = begin;
  return text.substr(begin, end - begin);
}

std::string_view WordAfter(std::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size() && IsWordChar(text[end])) ++end;
  return text.substr(at, end - at);
}

bool IsQuote(char c) { return c == '"' || c == '\'' || c == '`' || c == '*'; }

bool EndsWithQuote(std::string_view text) {
  return !text.empty() &&
         (IsQuote(text.back()) || text.ends_with("\u201C") || text.ends_with("\u201D") ||
          text.ends_with("\u2018") || text.ends_with("\u2019"));
}

// One name of a skill and the ways it may stand in a query.
class NameMatcher {
 public:
  NameMatcher(std::string_view query, std::string_view name, std::span<const std::string> generic)
      : query_(query),
        lower_(base::AsciiLower(query)),
        name_(base::AsciiLower(name)),
        parts_(NameParts(name)) {
    generic_ = parts_.size() == 1 &&
               (IsKnownExtension(parts_[0]) || IsOneOf(parts_[0], kGenericNames) ||
                std::find(generic.begin(), generic.end(), parts_[0]) != generic.end());
  }

  // The rule by which the query addresses the skill, "" if none.
  [[nodiscard]] std::string_view Rule() const {
    if (parts_.empty()) return "";
    if (HasSigil()) return "E1";
    if (Multi() && (HasJoined() || HasCamel())) return "E2";
    if (Multi() && HasRouted()) return "E3";
    if (!Multi() && !generic_ && HasToken()) return "E4";
    if (HasNounAfter()) return "E5";
    if (HasSkillBefore()) return "E6";
    return "";
  }

 private:
  [[nodiscard]] bool Multi() const { return parts_.size() > 1; }

  // "$name", "@name", "/name" at the start or after a blank, '(' or a quote.
  [[nodiscard]] bool HasSigil() const {
    for (size_t at = lower_.find(name_); at != std::string::npos; at = lower_.find(name_, at + 1)) {
      if (at == 0) continue;
      const char sigil = lower_[at - 1];
      if (sigil != '$' && sigil != '@' && sigil != '/') continue;
      const std::string_view before = std::string_view(lower_).substr(0, at - 1);
      const bool opens = before.empty() || base::IsSpace(before.back()) || before.back() == '(' ||
                         EndsWithQuote(before);
      const size_t end = at + name_.size();
      const bool closes = end == lower_.size() || !(IsWordChar(lower_[end]) || lower_[end] == '-');
      if (opens && closes) return true;
    }
    return false;
  }

  // End of the parts at `at` with `is_joint` runs between them.
  template <typename IsJoint>
  [[nodiscard]] std::optional<size_t> PartsAt(size_t at, IsJoint is_joint, bool one_joint) const {
    for (size_t i = 0; i < parts_.size(); ++i) {
      if (i > 0) {
        const size_t begin = at;
        while (at < lower_.size() && is_joint(lower_[at]) && !(one_joint && at > begin)) ++at;
        if (at == begin) return std::nullopt;
      }
      if (!std::string_view(lower_).substr(at).starts_with(parts_[i])) return std::nullopt;
      at += parts_[i].size();
    }
    return at;
  }

  [[nodiscard]] bool HasJoined() const {
    const auto is_joint = [](char c) { return c == '-' || c == '_'; };
    const auto adjoins = [](char c) { return IsWordChar(c) || c == '-'; };
    for (size_t at = lower_.find(parts_[0]); at != std::string::npos;
         at = lower_.find(parts_[0], at + 1)) {
      const auto end = PartsAt(at, is_joint, /*one_joint=*/true);
      if (!end || (at > 0 && adjoins(lower_[at - 1]))) continue;
      if (*end == lower_.size() || !adjoins(lower_[*end])) return true;
    }
    return false;
  }

  [[nodiscard]] bool HasCamel() const {
    std::string pascal;
    for (const std::string& part : parts_) {
      pascal.push_back(ToUpper(part[0]));
      pascal.append(part, 1);
    }
    std::string camel = pascal;
    camel[0] = base::ToLower(camel[0]);
    return HasAlone(camel) || HasAlone(pascal);
  }

  static char ToUpper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }

  // `form` in the query, case-sensitive, without adjoining letters or digits.
  [[nodiscard]] bool HasAlone(std::string_view form) const {
    const auto adjoins = [](char c) { return IsWordChar(c) && c != '_'; };
    for (size_t at = query_.find(form); at != std::string_view::npos;
         at = query_.find(form, at + 1)) {
      const size_t end = at + form.size();
      if ((at == 0 || !adjoins(query_[at - 1])) &&
          (end == query_.size() || !adjoins(query_[end]))) {
        return true;
      }
    }
    return false;
  }

  // Calls `accept(begin, end)` for each place where the name stands with
  // blanks between its parts; true as soon as one is accepted.
  template <typename Accept>
  [[nodiscard]] bool AnySpaced(Accept accept) const {
    for (size_t at = lower_.find(parts_[0]); at != std::string::npos;
         at = lower_.find(parts_[0], at + 1)) {
      if (at > 0 && IsWordChar(lower_[at - 1])) continue;
      const auto end = PartsAt(at, base::IsSpace, /*one_joint=*/false);
      if (!end || (*end < lower_.size() && IsWordChar(lower_[*end]))) continue;
      if (accept(at, *end)) return true;
    }
    return false;
  }

  [[nodiscard]] bool HasToken() const {
    return AnySpaced([](size_t, size_t) { return true; });
  }

  // use|run|... [the|my|...] NAME
  [[nodiscard]] bool HasRouted() const {
    return AnySpaced([this](size_t begin, size_t) {
      size_t at = begin;
      std::string_view word = WordBefore(lower_, at);
      if (IsOneOf(word, kDeterminers)) word = WordBefore(lower_, at);
      return IsOneOf(word, kRouteVerbs);
    });
  }

  // NAME skill
  [[nodiscard]] bool HasNounAfter() const {
    return AnySpaced([this](size_t, size_t end) {
      while (end < lower_.size() && IsQuote(lower_[end])) ++end;
      const size_t blank = end;
      while (end < lower_.size() && base::IsSpace(lower_[end])) ++end;
      return end > blank && IsOneOf(WordAfter(lower_, end), kSkillNouns);
    });
  }

  // skill [called|named] ["]NAME
  [[nodiscard]] bool HasSkillBefore() const {
    return AnySpaced([this](size_t begin, size_t) {
      size_t at = begin;
      while (at > 0 && IsQuote(lower_[at - 1])) --at;
      if (at == 0 || !base::IsSpace(lower_[at - 1])) return false;
      std::string_view word = WordBefore(lower_, at);
      if (IsOneOf(word, kNaming)) word = WordBefore(lower_, at);
      return word == "skill";
    });
  }

  std::string_view query_;
  std::string lower_;
  std::string name_;
  std::vector<std::string> parts_;
  bool generic_ = false;
};

std::string_view ExplicitRule(std::string_view query, std::string_view skill,
                              std::span<const std::string> generic) {
  const std::string_view rule = NameMatcher(query, skill, generic).Rule();
  const size_t colon = skill.rfind(':');  // "plugin:skill" is also called "skill"
  if (!rule.empty() || colon == std::string_view::npos) return rule;
  return NameMatcher(query, skill.substr(colon + 1), generic).Rule();
}

std::string_view ContextualRule(std::string_view query) {
  const size_t words = base::SplitSpace(query).size();
  if (words > kManyWords) return "C1";
  if (HasAddress(query)) return "C2";
  if (HasFileName(query) || HasPath(query)) return "C3";
  if (HasTime(query)) return "C4";
  if (HasProperNoun(query)) return "C5";
  if (words >= kSomeWords && (HasLongNumber(query) || HasAcronym(query))) return "C6";
  return "";
}

}  // namespace

std::string_view Word(InvocationType type) {
  switch (type) {
    case InvocationType::kExplicit:
      return "explicit";
    case InvocationType::kImplicit:
      return "implicit";
    case InvocationType::kContextual:
      return "contextual";
    case InvocationType::kNegative:
      return "negative";
  }
  return "";
}

InvocationLabel ClassifyInvocation(std::string_view query, std::string_view skill,
                                   std::span<const std::string> generic_names) {
  query = base::Trim(query);
  if (const auto rule = ExplicitRule(query, skill, generic_names); !rule.empty()) {
    return {InvocationType::kExplicit, rule};
  }
  if (const auto rule = ContextualRule(query); !rule.empty()) {
    return {InvocationType::kContextual, rule};
  }
  return {InvocationType::kImplicit, "I"};
}

}  // namespace selftune::eval
