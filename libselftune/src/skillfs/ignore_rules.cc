#include "skillfs/ignore_rules.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "base/strings.h"

namespace selftune::skillfs {
namespace {

using Signs = std::bitset<256>;

size_t Index(char c) { return static_cast<unsigned char>(c); }
char Lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

// Case does not matter.
void AddSign(char c, Signs& out) {
  out.set(Index(c));
  out.set(Index(Lower(c)));
  out.set(Index(static_cast<char>(std::toupper(static_cast<unsigned char>(c)))));
}

struct NamedClass {
  std::string_view name;
  int (*holds)(int);
};

// "[:alpha:]" and the like.
bool AddClass(std::string_view name, Signs& out) {
  static constexpr NamedClass kClasses[] = {
      {"alnum", std::isalnum}, {"alpha", std::isalpha}, {"blank", std::isblank},
      {"cntrl", std::iscntrl}, {"digit", std::isdigit}, {"graph", std::isgraph},
      {"lower", std::islower}, {"print", std::isprint}, {"punct", std::ispunct},
      {"space", std::isspace}, {"upper", std::isupper}, {"xdigit", std::isxdigit},
  };
  const auto* const found = std::ranges::find(kClasses, name, &NamedClass::name);
  if (found == std::end(kClasses)) return false;
  for (int c = 0; c < 128; ++c) {
    if (found->holds(c) != 0) AddSign(static_cast<char>(c), out);
  }
  return true;
}

// "[a-z]" from its bracket on, which `at` then stands behind; nothing: it does not end, or has a
// class that nobody knows, and the pattern holds nowhere.
std::optional<Signs> ParseBrackets(std::string_view text, size_t& at) {
  Signs out;
  ++at;
  const bool negated = at < text.size() && (text[at] == '!' || text[at] == '^');
  if (negated) ++at;
  const auto sign = [&]() -> std::optional<char> {
    if (at < text.size() && text[at] == '\\') ++at;
    return at < text.size() ? std::optional(text[at++]) : std::nullopt;
  };
  for (bool first = true; at >= text.size() || text[at] != ']' || first; first = false) {
    if (at >= text.size()) return std::nullopt;
    if (const size_t end = text.find(":]", at + 2);
        text.substr(at).starts_with("[:") && end != text.npos) {
      if (!AddClass(text.substr(at + 2, end - at - 2), out)) return std::nullopt;
      at = end + 2;
      continue;
    }
    const auto from = sign();
    if (!from.has_value()) return std::nullopt;
    AddSign(*from, out);
    if (at + 1 >= text.size() || text[at] != '-' || text[at + 1] == ']') continue;
    ++at;
    const auto to = sign();
    if (!to.has_value()) return std::nullopt;
    for (size_t c = Index(*from); c <= Index(*to); ++c) AddSign(static_cast<char>(c), out);
  }
  ++at;
  if (negated) out.flip();
  out.reset(Index('/'));
  return out;
}

// Blanks at the end are none of the pattern, but for one behind a backslash.
std::string_view WithoutBlanks(std::string_view text) {
  size_t end = text.size();
  while (end > 0 && text[end - 1] == ' ') --end;
  size_t slashes = 0;
  while (slashes < end && text[end - 1 - slashes] == '\\') ++slashes;
  const bool kept = slashes % 2 == 1 && end < text.size();
  return text.substr(0, end + (kept ? 1 : 0));
}

bool EndsEscaped(std::string_view text) {
  size_t slashes = 0;
  while (slashes < text.size() && text[text.size() - 1 - slashes] == '\\') ++slashes;
  return slashes % 2 == 1;
}

// A slash ends a name also behind a backslash.
std::string WithPlainSlashes(std::string_view pattern) {
  std::string out;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const bool escape = pattern[i] == '\\' && i + 1 < pattern.size();
    if (escape && pattern[i + 1] != '/') out += pattern[i];
    if (escape) ++i;
    out += pattern[i];
  }
  return out;
}

}  // namespace

bool IgnoreRules::Add(std::string_view text, std::string_view folder) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  for (std::string_view line : base::Split(text, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::string_view trimmed = base::Trim(line);
    if (trimmed.empty() || trimmed.starts_with('#')) continue;
    Rule rule;
    if (line.starts_with('!')) {
      rule.off = true;
      line.remove_prefix(1);
    } else if (line.starts_with("\\!")) {
      line.remove_prefix(1);
    }
    if (line.starts_with('/')) line.remove_prefix(1);
    std::string pattern(folder);
    if (!folder.empty()) pattern += '/';
    if (folder.empty() && line.starts_with(kByteOrderMark))
      line.remove_prefix(kByteOrderMark.size());
    pattern += line;
    if (!Parse(pattern, rule)) continue;
    if (rules_.size() == kMostRules) return false;
    rules_.push_back(std::move(rule));
  }
  return true;
}

// False: it holds nowhere.
bool IgnoreRules::Parse(std::string_view pattern, Rule& rule) {
  pattern = WithoutBlanks(pattern);
  if (pattern.empty() || EndsEscaped(pattern)) return false;
  const std::string plain = WithPlainSlashes(pattern);
  pattern = plain;
  rule.folders_only = pattern.ends_with('/');
  if (rule.folders_only) pattern.remove_suffix(1);
  const auto names = base::Split(pattern, '/');
  rule.any_depth = names.size() == 1;
  for (const std::string_view name : names) {
    if (!ParseSegment(name, rule.segments.emplace_back())) return false;
  }
  return true;
}

bool IgnoreRules::ParseSegment(std::string_view text, Segment& segment) {
  using Kind = Token::Kind;
  segment.any_folders = text == "**";
  for (size_t at = 0; at < text.size();) {
    Token token;
    if (text[at] == '*') {
      while (at < text.size() && text[at] == '*') ++at;
      token.kind = Kind::kText;
    } else if (text[at] == '[') {
      const auto signs = ParseBrackets(text, at);
      if (!signs.has_value() || segment.classes.size() > UINT16_MAX) return false;
      token.kind = Kind::kClass;
      token.of_class = static_cast<uint16_t>(segment.classes.size());
      segment.classes.push_back(*signs);
    } else if (text[at] == '?') {
      ++at;
      token.kind = Kind::kAnySign;
    } else {
      if (text[at] == '\\' && ++at == text.size()) return false;
      token.sign = static_cast<unsigned char>(Lower(text[at++]));
    }
    segment.tokens.push_back(token);
  }
  return true;
}

bool IgnoreRules::Accepts(const Segment& segment, const Token& token, char c) {
  switch (token.kind) {
    case Token::Kind::kSign:
      return static_cast<unsigned char>(Lower(c)) == token.sign;
    case Token::Kind::kAnySign:
      return true;
    case Token::Kind::kClass:
      return segment.classes[token.of_class].test(Index(c));
    case Token::Kind::kText:
      return false;
  }
  return false;
}

bool IgnoreRules::Ignores(std::string_view path, bool is_folder) {
  if (rules_.empty()) return false;
  const std::vector<std::string_view> names = base::Split(path, '/');
  for (size_t i = 1; i < names.size(); ++i) {
    if (Decide(std::span(names).first(i), /*is_folder=*/true)) return true;
  }
  return Decide(names, is_folder);
}

bool IgnoreRules::Decide(std::span<const std::string_view> names, bool is_folder) {
  const auto last = std::find_if(rules_.rbegin(), rules_.rend(), [&](const Rule& rule) {
    ++steps_;
    return exhausted() || ((is_folder || !rule.folders_only) && Holds(rule, names));
  });
  return exhausted() || (last != rules_.rend() && !last->off);
}

// Which beginnings of the path the beginning of the pattern stands for, name by name.
bool IgnoreRules::Holds(const Rule& rule, std::span<const std::string_view> names) {
  if (rule.any_depth) return NameHolds(rule.segments.front(), names.back());
  std::vector<bool> ends(names.size() + 1, false);
  ends[0] = true;
  for (const Segment& segment : rule.segments) {
    std::vector<bool> next(ends.size(), false);
    const bool last = &segment == &rule.segments.back();
    for (size_t i = 0; i < ends.size(); ++i) {
      ++steps_;
      if (segment.any_folders) {
        // At the end it stands for something, elsewhere also for nothing.
        next[i] = (!last && ends[i]) || (i > 0 && (next[i - 1] || ends[i - 1]));
      } else {
        next[i] = i > 0 && ends[i - 1] && NameHolds(segment, names[i - 1]);
      }
    }
    ends = std::move(next);
  }
  return ends.back();
}

bool IgnoreRules::NameHolds(const Segment& segment, std::string_view name) {
  const std::vector<Token>& tokens = segment.tokens;
  size_t t = 0, at = 0;
  // Behind the last text of any length, and where that ends so far.
  size_t after = tokens.size() + 1, end = 0;
  const auto is_text = [&](size_t i) {
    return i < tokens.size() && tokens[i].kind == Token::Kind::kText;
  };
  while (at < name.size() && !exhausted()) {
    ++steps_;
    if (is_text(t)) {
      after = ++t;
      end = at;
    } else if (t < tokens.size() && Accepts(segment, tokens[t], name[at])) {
      // A sign of several bytes is one.
      const bool any = tokens[t].kind == Token::Kind::kAnySign;
      ++t, ++at;
      while (any && at < name.size() && (Index(name[at]) & 0xC0U) == 0x80U) ++at;
    } else if (after <= tokens.size()) {
      t = after;
      at = ++end;
    } else {
      return false;
    }
  }
  while (is_text(t)) ++t;
  return t == tokens.size();
}

}  // namespace selftune::skillfs
