#include "skillfs/skill_rules.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/strings.h"
#include "skillfs/discovery.h"

namespace selftune::skillfs {
namespace {

using Roots = std::vector<std::string>;
using Folders = std::vector<std::string_view>;

char Lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

bool IsSign(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }  // of UTF-8

// Adds to `steps` how many characters were compared; nothing once there are more than `most`.
std::optional<bool> Matches(const SkillRule& rule, std::string_view text, size_t most,
                            size_t& steps) {
  const std::string_view pattern = rule.name;
  size_t p = 0, t = 0;
  // Behind the last `*`, and where its text ends so far.
  size_t after = std::string_view::npos, end = 0;
  while (t < text.size()) {
    if (++steps > most) return std::nullopt;
    const char c = p < pattern.size() ? pattern[p] : '\0';
    if (c == '*') {
      after = ++p;
      end = t;
      if (after == pattern.size()) return true;
    } else if (c == '?' && IsSign(text[t])) {
      ++p, ++t;
      while (t < text.size() && !IsSign(text[t])) ++t;
    } else if (p < pattern.size() &&
               (c == text[t] || (rule.any_case && Lower(c) == Lower(text[t])))) {
      ++p, ++t;
    } else if (after != std::string_view::npos) {
      p = after;
      t = ++end;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

// The folder that a rule may name in place of the file: a single file has none of its own.
std::string_view SkillDir(std::string_view file) {
  return base::BaseName(file) == "SKILL.md" ? base::DirName(file) : file;
}

}  // namespace

std::vector<std::string> NestedBelow(std::string_view folder,
                                     const std::vector<std::string>& roots) {
  const std::string start = std::string(folder) + (folder.ends_with('/') ? "" : "/");
  std::vector<std::string> out;
  for (auto at = std::ranges::lower_bound(roots, start);
       at != roots.end() && at->starts_with(start); ++at) {
    out.push_back(*at);
  }
  return out;
}

SkillRules::SkillRules(std::vector<SkillRule> rules, const std::vector<std::string>& session_roots,
                       size_t most_effort)
    : rules_(std::move(rules)), most_effort_(most_effort) {
  for (size_t number = 1; number <= rules_.size(); ++number) {
    const SkillRule& rule = rules_[number - 1];
    Group& group = groups_[rule.project_root];
    group.below = group.below || rule.below;
    if (!rule.level.empty()) {
      group.levels[rule.level] = number;
    } else if (!rule.path.empty()) {
      group.paths[rule.path] = number;
    } else if (rule.pattern) {
      group.patterns.push_back(number);
    } else if (rule.any_case) {
      group.any_case[base::AsciiLower(rule.name)] = number;
    } else {
      group.names[rule.name] = number;
    }
  }
  for (auto& [root, group] : groups_) {
    if (!root.empty()) group.nested = NestedBelow(root, session_roots);
  }
  for (auto& [root, group] : groups_) {
    group.around = HoldingIn(root);
    std::erase(group.around, &group);
  }
}

// Of projects; a place is looked up, for there may be thousands.
std::vector<SkillRules::Group*> SkillRules::HoldingIn(std::string_view dir) {
  std::vector<Group*> out;
  // Repositories on the way down to it, which a session in it looks no further up than.
  const auto is_cut = [](const Group& group, std::string_view folder) {
    return std::ranges::binary_search(group.nested, folder);
  };
  Folders way;
  for (std::string_view above = dir; !above.empty();) {
    const auto found = groups_.find(above);
    if (found != groups_.end() && (found->second.below || above == dir)) {
      Group& group = found->second;
      const bool cut =
          std::ranges::any_of(way, [&](std::string_view folder) { return is_cut(group, folder); });
      if (!cut) out.push_back(&group);
    }
    way.push_back(above);
    above = above.size() == 1 ? "" : base::DirName(above);
  }
  return out;
}

ProjectSwitch SkillRules::Place(std::string_view root, const Group& group) const {
  return {std::string(root), "", group.below, group.below ? group.nested : Roots()};
}

SkillRules::Said SkillRules::Later(const Said& a, const Said& b) {
  Said out = a.decides > b.decides ? a : b;
  out.may_off = std::max(a.may_off, b.may_off);
  out.may_on = std::max(a.may_on, b.may_on);
  return out;
}

// Of patterns the last that holds counts, so they are gone through from behind, as far as
// the exact name does not count anyhow.
SkillRules::Said SkillRules::OfName(Group& group, const std::string& name) {
  const auto [it, is_new] = group.judged.try_emplace(name);
  if (!is_new) return it->second;
  Said& said = it->second;
  if (const auto exact = group.names.find(name); exact != group.names.end()) {
    said.decides = exact->second;
  }
  if (!group.any_case.empty()) {
    const auto lower = group.any_case.find(base::AsciiLower(name));
    if (lower != group.any_case.end()) said.decides = std::max(said.decides, lower->second);
  }
  for (auto at = group.patterns.rbegin(); at != group.patterns.rend(); ++at) {
    if (*at < said.decides) break;
    const SkillRule& rule = rules_[*at - 1];
    const auto holds = Matches(rule, name, most_effort_, group.effort);
    if (holds == std::optional(false)) continue;
    if (holds.has_value() && rule.says == SkillRule::Says::kMayOff) {
      said.may_off = std::max(said.may_off, *at);
    } else if (holds.has_value() && rule.says == SkillRule::Says::kMayOn) {
      said.may_on = std::max(said.may_on, *at);
    } else {
      said.decides = *at;
      said.cut = !holds.has_value();
      group.cut = group.cut || said.cut;
      break;
    }
  }
  return said;
}

SkillRules::Said SkillRules::OfSkill(Group& group, std::string_view real_path,
                                     const SkillPlacement& placement) {
  Said said = OfName(group, placement.name);
  const auto take = [&](size_t number) {
    if (number > said.decides) said.decides = number, said.cut = false;
  };
  if (!group.paths.empty()) {
    const std::string_view path = placement.path;
    for (const std::string_view one : {real_path, SkillDir(real_path), path, SkillDir(path)}) {
      if (const auto found = group.paths.find(one); found != group.paths.end()) take(found->second);
    }
  }
  const auto found = group.levels.find(placement.level);
  if (found != group.levels.end()) take(found->second);
  return said;
}

SwitchVerdict SkillRules::Judge(const Said& said) const {
  SwitchVerdict out;
  if (said.decides > 0) {
    const SkillRule& rule = rules_[said.decides - 1];
    out.settings = rule.settings;
    if (said.cut || rule.says == SkillRule::Says::kMayEither) {
      out.state = SwitchState::kUnknown;
    } else if (rule.says == SkillRule::Says::kOff) {
      out.state = SwitchState::kOff;
    }
  }
  const auto may = [&](size_t number, SwitchState from) {
    if (number <= said.decides || out.state != from) return;
    out = {SwitchState::kUnknown, rules_[number - 1].settings};
  };
  // What is not known by one is not known by the other.
  may(said.may_off, SwitchState::kOn);
  may(said.may_on, SwitchState::kOff);
  return out;
}

Switches SkillRules::Of(std::string_view real_path, const SkillPlacement& placement) {
  Switches out;
  if (rules_.empty()) return out;
  const std::string& own = placement.project_root;
  const auto of = [&](Group& group) { return OfSkill(group, real_path, placement); };
  // All sessions that see a project's skill are in there, or nearly all.
  Said everywhere;
  if (const auto all = groups_.find(""); all != groups_.end()) everywhere = of(all->second);
  for (Group* const group : HoldingIn(own)) everywhere = Later(everywhere, of(*group));
  const SwitchVerdict usual = Judge(everywhere);
  if (usual.state == SwitchState::kOff) out.disabled_by = usual.settings;
  if (usual.state == SwitchState::kUnknown) out.unknown_by = usual.settings;
  // What holds in other projects does not matter to a project's skill.
  const std::string below = own.empty() || own.ends_with('/') ? own : own + '/';
  for (auto at = groups_.upper_bound(below); at != groups_.end() && at->first.starts_with(below);
       ++at) {
    auto& [root, group] = *at;
    Said around = everywhere;
    for (Group* const one : group.around) around = Later(around, of(*one));
    const SwitchVerdict verdict = Judge(Later(around, of(group)));
    if (verdict.state == Judge(around).state) continue;
    ProjectSwitch& in = out.in_projects.emplace_back(Place(root, group));
    in.settings = verdict.settings;
    in.state = verdict.state;
  }
  return out;
}

std::vector<std::string> SkillRules::TooMany() const {
  std::vector<std::string> out;
  for (const auto& [root, group] : groups_) {
    if (group.cut) out.push_back(rules_[group.patterns.back() - 1].settings);
  }
  return out;
}

}  // namespace selftune::skillfs
