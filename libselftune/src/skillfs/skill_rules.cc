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

char Lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

// `*` of the pattern stands for any text, also none. Adds to `steps` how many characters were
// compared; nothing once there are more than `most`.
std::optional<bool> Matches(std::string_view pattern, std::string_view text, size_t most,
                            size_t& steps) {
  size_t p = 0, t = 0;
  // Behind the last `*`, and where its text ends so far.
  size_t after = std::string_view::npos, end = 0;
  while (t < text.size()) {
    if (++steps > most) return std::nullopt;
    if (p < pattern.size() && pattern[p] == '*') {
      after = ++p;
      end = t;
      if (after == pattern.size()) return true;
    } else if (p < pattern.size() && Lower(pattern[p]) == Lower(text[t])) {
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
  for (size_t i = 0; i < rules_.size(); ++i) {
    const SkillRule& rule = rules_[i];
    Group& group = groups_[rule.project_root];
    if (!rule.level.empty()) {
      group.levels[rule.level] = i;
    } else if (!rule.path.empty()) {
      group.paths[rule.path] = i;
    } else if (rule.name.find('*') != std::string::npos) {
      group.patterns.push_back(i);
    } else {
      group.names[base::AsciiLower(rule.name)] = i;
    }
  }
  for (auto& [root, group] : groups_) {
    if (!root.empty()) group.nested = NestedBelow(root, session_roots);
  }
}

// Of patterns the last that holds counts, so they are gone through from behind, as far as
// the exact name does not count anyhow.
SkillRules::Said SkillRules::OfName(Group& group, const std::string& name) {
  const auto [it, is_new] = group.judged.try_emplace(name);
  if (!is_new) return it->second;
  Said& said = it->second;
  if (const auto exact = group.names.find(name); exact != group.names.end()) {
    said.rule = exact->second;
  }
  for (auto at = group.patterns.rbegin(); at != group.patterns.rend(); ++at) {
    if (said.rule != kNone && *at < said.rule) break;
    const auto holds = Matches(rules_[*at].name, name, most_effort_, group.effort);
    if (holds == std::optional(false)) continue;
    group.cut = group.cut || !holds.has_value();
    said = {.rule = *at, .unknown = !holds.has_value()};
    break;
  }
  return said;
}

const SkillRule* SkillRules::Decide(Group& group, const std::string& name,
                                    std::string_view real_path, const SkillPlacement& placement,
                                    bool& unknown) {
  Said said = OfName(group, name);
  if (!group.paths.empty()) {
    const std::string_view path = placement.path;
    for (const std::string_view one : {real_path, SkillDir(real_path), path, SkillDir(path)}) {
      const auto found = group.paths.find(one);
      if (found == group.paths.end()) continue;
      if (said.rule == kNone || found->second > said.rule) said = {.rule = found->second};
    }
  }
  if (const auto found = group.levels.find(placement.level); found != group.levels.end()) {
    if (said.rule == kNone || found->second > said.rule) said = {.rule = found->second};
  }
  if (said.rule == kNone) return nullptr;
  const SkillRule& rule = rules_[said.rule];
  unknown = said.unknown || rule.unknown;
  return &rule;
}

void SkillRules::Apply(std::string_view real_path, SkillPlacement& placement) {
  if (rules_.empty()) return;
  const std::string name = base::AsciiLower(placement.name);
  const std::string& own = placement.project_root;
  for (auto& [root, group] : groups_) {
    // What holds in other projects does not matter to a project's skill.
    if (!root.empty() && !own.empty() && !IsBelow(own, root) && !IsBelow(root, own)) continue;
    bool unknown = false;
    const SkillRule* const rule = Decide(group, name, real_path, placement, unknown);
    if (rule == nullptr || (!rule->off && !unknown)) continue;
    ProjectSwitch in{root, rule->settings, rule->below, rule->below ? group.nested : Roots()};
    // All sessions that see a project's skill are in there, or nearly all.
    if (root.empty() || (!own.empty() && in.HoldsIn(own))) {
      std::string& by = unknown ? placement.unknown_by : placement.disabled_by;
      if (by.empty()) by = rule->settings;
    } else if (own.empty() || IsBelow(root, own)) {
      (unknown ? placement.unknown_in : placement.disabled_in).push_back(std::move(in));
    }
  }
}

std::vector<std::string> SkillRules::TooMany() const {
  std::vector<std::string> out;
  for (const auto& [root, group] : groups_) {
    if (group.cut) out.push_back(rules_[group.patterns.back()].settings);
  }
  return out;
}

}  // namespace selftune::skillfs
