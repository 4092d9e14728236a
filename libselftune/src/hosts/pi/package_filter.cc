#include "hosts/pi/package_filter.h"

#include <algorithm>
#include <cstddef>

#include "base/file.h"
#include "base/strings.h"

namespace selftune::hosts::pi {
namespace {

// "host/user/repo" of what git clones from; "" = no such address.
std::string HostAndPath(std::string_view host, std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  path = path.substr(0, path.find('@'));  // a branch or tag
  path = path.substr(0, path.find('#'));
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.ends_with(".git")) path.remove_suffix(4);
  const auto parts = base::Split(path, '/');
  const bool safe = std::ranges::none_of(
      parts, [](std::string_view part) { return part.empty() || part == "." || part == ".."; });
  if (host.empty() || host == ".." || parts.size() < 2 || !safe) return "";
  return std::string(host) + "/" + std::string(path);
}

std::string GitPath(std::string_view source) {
  const size_t scheme = source.find("://");
  const bool prefixed = source.starts_with("git:") && scheme != 3;
  if (!prefixed && scheme == std::string_view::npos) return "";
  if (prefixed) source = base::Trim(source.substr(4));
  if (const size_t at = source.find("://"); at != std::string_view::npos) {
    source.remove_prefix(at + 3);
    const size_t slash = source.find('/');
    if (slash == std::string_view::npos) return "";
    std::string_view host = source.substr(0, slash);
    if (const size_t user = host.rfind('@'); user != std::string_view::npos) {
      host.remove_prefix(user + 1);
    }
    return HostAndPath(host.substr(0, host.find(':')), source.substr(slash));
  }
  if (source.starts_with("git@")) {
    const size_t colon = source.find(':');
    if (colon == std::string_view::npos) return "";
    return HostAndPath(source.substr(4, colon - 4), source.substr(colon + 1));
  }
  const size_t slash = source.find('/');
  if (slash == std::string_view::npos) return "";
  const std::string_view first = source.substr(0, slash);
  // user/repo lies at GitHub.
  if (first.find('.') == std::string_view::npos && first != "localhost") {
    return HostAndPath("github.com", source);
  }
  return HostAndPath(first, source.substr(slash));
}

// What a word costs, however short it is.
constexpr size_t kWord = 20;

bool IsExact(std::string_view word) { return word.starts_with('+') || word.starts_with('-'); }

bool Means(std::string_view word, const SkillFolder& skill, Effort& effort) {
  const bool exact = IsExact(word);
  effort.Spend(kWord);
  if (exact || word.starts_with('!')) word.remove_prefix(1);
  if (exact && word.starts_with("./")) word.remove_prefix(2);
  const auto means = [&](std::string_view text) {
    if (exact) return word == text;
    const PatternMatch match = PathMatches(word, text);
    effort.Spend(match.steps);
    return match.holds;
  };
  for (const std::string& folder : {skill.below, skill.path}) {
    if (folder.empty()) continue;
    if (means(folder)) return true;
    if (!skill.single && means(base::JoinPath(folder, "SKILL.md"))) return true;
  }
  return !exact && (means(base::BaseName(skill.path.empty() ? skill.below : skill.path)) ||
                    (!skill.single && means("SKILL.md")));
}

}  // namespace

std::string PackageFolder(std::string_view source) {
  source = base::Trim(source);
  if (!source.starts_with("npm:")) {
    const std::string path = GitPath(source);
    return path.empty() ? "" : "git/" + path;
  }
  std::string_view name = base::Trim(source.substr(4));
  const size_t version = name.rfind('@');
  if (version != std::string_view::npos && version > 0) name = name.substr(0, version);
  const auto parts = base::Split(name, '/');
  const bool safe = std::ranges::none_of(
      parts, [](std::string_view part) { return part.empty() || part == "." || part == ".."; });
  return safe ? "npm/node_modules/" + std::string(name) : "";
}

PatternMatch PathMatches(std::string_view pattern, std::string_view path) {
  const size_t fixed = std::min(pattern.find_first_of("*?"), pattern.size());
  const size_t same = SameLength(pattern.substr(0, fixed), path);
  if (same < fixed) return {false, same};
  if (fixed == pattern.size()) return {pattern == path, same};
  const std::string_view rest = path.substr(fixed);
  Reached reached(rest);
  std::string_view before;  // a wildcard twice is one
  for (pattern.remove_prefix(fixed); !pattern.empty() && !reached.none();) {
    const size_t stars = std::min({pattern.find_first_not_of('*'), pattern.size(), size_t{2}});
    const bool folders = pattern.starts_with("**/");
    const std::string_view sign = pattern.substr(0, folders ? 3 : std::max(stars, size_t{1}));
    pattern.remove_prefix(sign.size());
    if (stars == 0) {
      reached.One([&](char c) { return sign[0] == '?' ? c != '/' : c == sign[0]; });
      before = {};
      continue;
    }
    // "**/" stands for nothing, or for text that ends with a slash.
    const auto ends = [&](size_t end) { return !folders || rest[end - 1] == '/'; };
    const auto passes = [&](char c) { return stars > 1 || c != '/'; };
    if (sign != before) reached.Many([](size_t) { return true; }, passes, ends);
    before = sign;
  }
  PatternMatch out = reached.Result();
  out.steps += same;
  return out;
}

bool IsOverride(std::string_view word) { return IsExact(word) || word.starts_with('!'); }

bool IsGlob(std::string_view word) { return word.find_first_of("*?") != std::string_view::npos; }

bool LetsIn(const std::vector<std::string>& words, const SkillFolder& skill, Effort& effort) {
  bool any_plain = false, in = false, out = false, forced_in = false, forced_out = false;
  for (const std::string& word : words) {
    if (effort.used_up()) return false;
    const bool means = Means(word, skill, effort);
    if (word.starts_with('+')) {
      forced_in = forced_in || means;
    } else if (word.starts_with('-')) {
      forced_out = forced_out || means;
    } else if (word.starts_with('!')) {
      out = out || means;
    } else {
      any_plain = true;
      in = in || means;
    }
  }
  const bool let_in = (in || !any_plain) && !out;
  return (let_in || forced_in) && !forced_out;
}

Word LastWord(const std::vector<std::string>& words, const SkillFolder& skill, Effort& effort) {
  Word last = Word::kNone;
  for (const std::string& word : words) {
    if (effort.used_up()) return Word::kNone;
    if (!Means(word, skill, effort)) continue;
    last = word.starts_with('-') || word.starts_with('!') ? Word::kOut : Word::kIn;
  }
  return last;
}

}  // namespace selftune::hosts::pi
