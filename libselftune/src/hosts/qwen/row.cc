#include <utility>
#include <vector>

#include "hosts/qwen/extensions.h"
#include "hosts/qwen/skill_directories.h"
#include "hosts/rows.h"
#include "hosts/skill_switch_rows.h"

namespace selftune::hosts {
namespace {

using Base = SkillRoot::Base;

// Which of two equal names wins is not known, so neither hides the other.
constexpr SkillRoot kRoots[] = {
    {.base = Base::kProjectHere, .path = ".qwen/skills", .scope = "project", .precedence = 1},
    {.base = Base::kProjectHere, .path = ".agents/skills", .scope = "project", .precedence = 2},
    {.base = Base::kConfigDir, .path = "skills", .scope = "global", .precedence = 3},
    {.base = Base::kHome, .path = ".agents/skills", .scope = "global", .precedence = 4},
};

constexpr SkillSwitch Names(std::string_view key, bool on = false) {
  return {.file = "settings.json",
          .project_file = ".qwen/settings.json",
          .form = SkillSwitch::Form::kNames,
          .key = key,
          .on = on,
          .any_case = true,
          .owned_too = !on};
}

// The lists of the person and of a project are put together. What is off by default may be
// switched on; what is off is off.
constexpr SkillSwitch kSwitches[] = {
    Names("skills.defaultDisabled"),
    Names("skills.enabled", /*on=*/true),
    Names("skills.disabled"),
    {.file = "settings.json",
     .project_file = ".qwen/settings.json",
     .form = SkillSwitch::Form::kLevels,
     .key = "skills.disabledLevels"},
};

// What settings name, and extensions bring along.
std::vector<NamedRoot> NamedRoots(const RootQuery& query, std::vector<DiscoveryProblem>& problems) {
  std::vector<NamedRoot> out = qwen::NamedSkillRoots(query, problems);
  for (NamedRoot& root : qwen::ExtensionSkillRoots(query, problems)) {
    out.push_back(std::move(root));
  }
  return out;
}

}  // namespace

constinit const HostRow kQwenRow = {
    .platform = "qwen",
    .title = "Qwen Code",
    .command = "qwen",
    .config_env = "",
    .config_default = ".qwen",
    .skill_roots = kRoots,
    .equal_names_shadow = false,
    .explicit_only_key = "",
    .policy_file = "",
    .policy_implicit_key = "",
    .name_is_folder = false,
    .slash_text = true,
    .skill_ends_search = true,
    .named_roots = NamedRoots,
    .specialists = {.dir = "agents", .project_dir = ".qwen/agents", .form = "forms/qwen"},
};

const std::span<const SkillSwitch> kQwenSwitches = kSwitches;

}  // namespace selftune::hosts
