#include "hosts/opencode/skill_paths.h"
#include "hosts/rows.h"
#include "hosts/skill_switch_rows.h"

namespace selftune::hosts {
namespace {

using Base = SkillRoot::Base;

// Its own folders win over those it shares with other hosts.
constexpr SkillRoot kRoots[] = {
    {.base = Base::kProjectUp,
     .path = ".opencode/skill",
     .scope = "project",
     .precedence = 1,
     .nested = true,
     .outside = skillfs::Outside::kTop},
    {.base = Base::kProjectUp,
     .path = ".opencode/skills",
     .scope = "project",
     .precedence = 1,
     .nested = true,
     .outside = skillfs::Outside::kTop},
    {.base = Base::kConfigDir, .path = "skill", .scope = "global", .precedence = 2, .nested = true},
    {.base = Base::kConfigDir,
     .path = "skills",
     .scope = "global",
     .precedence = 2,
     .nested = true},
    {.base = Base::kProjectUp,
     .path = ".claude/skills",
     .scope = "project",
     .precedence = 3,
     .nested = true,
     .outside = skillfs::Outside::kTop},
    {.base = Base::kProjectUp,
     .path = ".agents/skills",
     .scope = "project",
     .precedence = 3,
     .nested = true,
     .outside = skillfs::Outside::kTop},
    {.base = Base::kHome,
     .path = ".claude/skills",
     .scope = "global",
     .precedence = 4,
     .nested = true},
    {.base = Base::kHome,
     .path = ".agents/skills",
     .scope = "global",
     .precedence = 4,
     .nested = true},
};

constexpr SkillSwitch Permission(std::string_view file, std::string_view project_file) {
  return {.file = file,
          .project_file = project_file,
          .form = SkillSwitch::Form::kWords,
          .above = true,
          .key = "permission.skill",
          .off = "deny",
          .word_for_all = true};
}

constexpr SkillSwitch kSwitches[] = {
    Permission("config.json", ""),
    Permission("opencode.json", "opencode.json"),
    Permission("opencode.jsonc", "opencode.jsonc"),
    Permission("", ".opencode/opencode.json"),
    Permission("", ".opencode/opencode.jsonc"),
};

}  // namespace

constinit const HostRow kOpenCodeRow = {
    .platform = "opencode",
    .title = "OpenCode",
    .command = "opencode",
    .config_env = "XDG_CONFIG_HOME",
    .config_env_below = "opencode",
    .config_default = ".config/opencode",
    .skill_roots = kRoots,
    .equal_names_shadow = true,
    .explicit_only_key = "",
    .policy_file = "",
    .policy_implicit_key = "",
    .name_is_folder = false,
    .skill_ends_search = false,
    .named_roots = opencode::NamedSkillRoots,
    .specialists = {.dir = "agents", .project_dir = ".opencode/agents", .form = "forms/opencode"},
};

const std::span<const SkillSwitch> kOpenCodeSwitches = kSwitches;

}  // namespace selftune::hosts
