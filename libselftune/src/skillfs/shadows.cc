#include "skillfs/shadows.h"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <unordered_map>

namespace selftune::skillfs {
namespace {

struct Entry {
  size_t skill = 0;
  SkillPlacement* placement = nullptr;
};

bool IsBefore(const SkillPlacement& a, const SkillPlacement& b) {
  return std::tie(a.precedence, a.path) < std::tie(b.precedence, b.path);
}

// Of those that sessions of one project see, the first, and the first of another skill.
struct Firsts {
  Entry best, other;

  void Add(const Entry& entry) {
    if (best.placement == nullptr || IsBefore(*entry.placement, *best.placement)) {
      if (best.placement != nullptr && best.skill != entry.skill) other = best;
      best = entry;
    } else if (entry.skill != best.skill &&
               (other.placement == nullptr || IsBefore(*entry.placement, *other.placement))) {
      other = entry;
    }
  }
  // The first that is not of this skill.
  [[nodiscard]] const SkillPlacement* Beside(size_t skill) const {
    return best.skill == skill ? other.placement : best.placement;
  }
};

// Of equals none hides another, and most copies of a skill are.
bool MayHide(const std::vector<Entry>& group) {
  const int first = group.front().placement->precedence;
  return std::ranges::any_of(
      group, [&](const Entry& entry) { return entry.placement->precedence != first; });
}

using Named = std::unordered_map<std::string_view, std::vector<Entry>>;

// Of equal names.
void MarkGroup(const std::vector<Entry>& group) {
  std::unordered_map<std::string_view, Firsts> by_project;
  for (const Entry& entry : group) by_project[entry.placement->project_root].Add(entry);
  const auto everywhere = by_project.find("");
  for (const Entry& loser : group) {
    const SkillPlacement* winner =
        by_project.find(loser.placement->project_root)->second.Beside(loser.skill);
    if (everywhere != by_project.end()) {
      const SkillPlacement* const seen = everywhere->second.Beside(loser.skill);
      if (winner == nullptr || (seen != nullptr && IsBefore(*seen, *winner))) winner = seen;
    }
    if (winner != nullptr && winner->precedence < loser.placement->precedence) {
      loser.placement->shadowed_by = winner->path;
    }
  }
}

}  // namespace

size_t MarkShadowed(std::span<const HostSkillRules> hosts, std::vector<InstalledSkill>& skills) {
  std::unordered_map<std::string_view, Named> by_host;
  for (const HostSkillRules& host : hosts) {
    if (host.equal_names_shadow) by_host.try_emplace(host.platform);
  }
  size_t steps = 0;
  for (size_t i = 0; i < skills.size(); ++i) {
    for (SkillPlacement& placement : skills[i].placements) {
      ++steps;
      // What is called `plugin:skill` hides nothing: no other skill has that name.
      if (placement.prefixed) continue;
      const auto host = by_host.find(placement.platform);
      if (host != by_host.end()) host->second[placement.name].push_back({i, &placement});
    }
  }
  for (const auto& [platform, names] : by_host) {
    for (const auto& [name, group] : names) {
      if (!MayHide(group)) continue;
      steps += 2 * group.size();
      MarkGroup(group);
    }
  }
  return steps;
}

}  // namespace selftune::skillfs
