#include "hosts/common/path_rules.h"

#include <utility>

namespace selftune::hosts {

PatternMatch RuleHolds(std::string_view rule, std::string_view dir) {
  std::string text(dir);
  if (!text.ends_with('/')) text += '/';
  // Most rules are about another folder: what stands before the first star tells.
  const size_t star = rule.find('*');
  if (star == std::string_view::npos) return {rule == text, SameLength(rule, text)};
  const size_t fixed = star > 0 && rule[star - 1] == '/' ? star - 1 : star;
  const size_t same = SameLength(rule.substr(0, fixed), text);
  if (same < fixed) return {false, same};
  const std::string_view rest = std::string_view(text).substr(fixed);
  Reached reached(rest);
  const auto any = [](auto) { return true; };
  char before = '\0';  // a star twice is a star
  for (size_t i = fixed; i < rule.size() && !reached.none(); ++i) {
    const bool below = rule.substr(i).starts_with("/*");
    const char kind = rule[i];
    if (below || kind == '*') {
      const auto starts = [&](size_t end) {
        return !below || (end < rest.size() && rest[end] == '/');
      };
      if (kind != before) reached.Many(starts, any, any);
      before = kind;
      if (below) ++i;
      continue;
    }
    reached.One([&](char c) { return c == kind; });
    before = '\0';
  }
  PatternMatch out = reached.Result();
  out.steps += same;
  return out;
}

RuleVerdict LastRule(std::span<const std::string> rules, std::string_view dir, Effort& effort) {
  for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
    if (effort.used_up()) return {.unknown = true};
    std::string_view text = *rule;
    const bool disables = text.starts_with('!');
    if (disables) text.remove_prefix(1);
    if (text.empty()) continue;
    const PatternMatch match = RuleHolds(text, dir);
    effort.Spend(match.steps + 1);
    if (match.holds) return {.off = disables, .holds = true};
  }
  return {};
}

void MarkOff(const RootQuery& query, absl::FunctionRef<Verdict(const std::string&)> verdict_in,
             skillfs::NamedRoot& root) {
  const Verdict at_home = verdict_in(query.home);
  bool everywhere = at_home.off(), on_somewhere = false;
  for (const std::string& dir : query.project_dirs) {
    Verdict verdict = verdict_in(dir);
    everywhere = everywhere && verdict.off();
    on_somewhere = on_somewhere || verdict.settings.empty();
    if (verdict.settings.empty()) continue;
    (verdict.unknown ? root.unknown_in : root.disabled_in)
        .push_back({dir, std::move(verdict.settings), /*below=*/false});
  }
  if (at_home.unknown && on_somewhere) {
    root.unknown_in.push_back({query.home, at_home.settings, /*below=*/false});
  } else if (at_home.unknown) {
    root.unknown_by = at_home.settings;
    root.unknown_in.clear();
  }
  if (!everywhere) return;
  root.disabled_by = at_home.settings;
  root.disabled_in.clear();
}

}  // namespace selftune::hosts
