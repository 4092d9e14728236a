#include "skillfs/replicas.h"

#include <algorithm>

#include "base/strings.h"
#include "skillfs/description_edit.h"

namespace selftune::skillfs {
namespace {

bool IsCalled(const InstalledSkill& skill, std::string_view name) {
  return std::ranges::any_of(skill.placements, [&](const SkillPlacement& placement) {
    return base::EqualsIgnoreCase(placement.name, name);
  });
}

Replica Judge(const InstalledSkill& skill, std::string_view description) {
  Replica out;
  out.skill = &skill;
  const auto& have = skill.frontmatter.description;
  // A copy without a description is the same as another without one.
  out.same_description =
      NormalizeDescription(have.value_or("")) == NormalizeDescription(description);
  const auto stop = [&](ReplicaState state, std::string reason) {
    out.state = state;
    out.reason = std::move(reason);
    return out;
  };
  for (const SkillPlacement& placement : skill.placements) {
    if (!placement.plugin.empty()) {
      return stop(ReplicaState::kPlugin, "part of plugin " + placement.plugin);
    }
    if (placement.scope == "admin" || placement.scope == "system") {
      return stop(ReplicaState::kProtected, "scope " + std::string(placement.scope));
    }
  }
  if (IsPackagePath(skill.real_path)) return stop(ReplicaState::kPlugin, "inside a package");
  if (skill.read_only) return stop(ReplicaState::kPlugin, "read-only");
  if (!skill.frontmatter.errors.empty()) {
    return stop(ReplicaState::kUnreadable, std::string(skill.frontmatter.errors.front()));
  }
  if (!out.same_description) return stop(ReplicaState::kDiverged, "another description");
  if (!skill.held.what.empty()) return stop(ReplicaState::kHeld, skill.held.what);
  if (skill.single_file) {
    return stop(ReplicaState::kSingleFile,
                "a single file: move it to a folder of its own, as SKILL.md");
  }
  if (skill.links > 1)
    return stop(ReplicaState::kHardLinked,
                "further hard links share the file: replace them by copies or symbolic links");
  return out;
}

}  // namespace

std::string_view Name(ReplicaState state) {
  switch (state) {
    case ReplicaState::kDeploys:
      return "deploys";
    case ReplicaState::kDiverged:
      return "diverged";
    case ReplicaState::kPlugin:
      return "managed_by_plugin";
    case ReplicaState::kProtected:
      return "protected";
    case ReplicaState::kUnreadable:
      return "unreadable";
    case ReplicaState::kHeld:
      return "held_by_host";
    case ReplicaState::kSingleFile:
      return "single_file";
    case ReplicaState::kHardLinked:
      return "hard_linked";
  }
  return "unreadable";
}

bool IsPackagePath(std::string_view path) {
  std::string_view above, top;
  for (const std::string_view part : base::Split(path, '/')) {
    if (part == "node_modules") return true;
    if (above == "plugins" && (part == "cache" || part == "marketplaces")) return true;
    if (above == ".gemini" && part == "extensions") return true;
    if (part == "git" && (above == ".pi" || (top == ".pi" && above == "agent"))) return true;
    top = above;
    above = part;
  }
  return false;
}

std::vector<Replica> FindReplicas(const Discovery& discovery, std::string_view name,
                                  std::string_view description) {
  std::vector<Replica> out;
  for (const InstalledSkill& skill : discovery.skills) {
    if (IsCalled(skill, name)) out.push_back(Judge(skill, description));
  }
  return out;
}

}  // namespace selftune::skillfs
