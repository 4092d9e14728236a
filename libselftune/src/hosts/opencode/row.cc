#include "hosts/rows.h"

namespace selftune::hosts {
namespace {

using Base = SkillRoot::Base;

// Its own folders win over those it shares with other hosts.
constexpr SkillRoot kRoots[] = {
    {.base = Base::kProjectUp,
     .path = ".opencode/skill",
     .scope = "project",
     .precedence = 1,
     .nested = true},
    {.base = Base::kProjectUp,
     .path = ".opencode/skills",
     .scope = "project",
     .precedence = 1,
     .nested = true},
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
     .nested = true},
    {.base = Base::kProjectUp,
     .path = ".agents/skills",
     .scope = "project",
     .precedence = 3,
     .nested = true},
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
    .plugin_roots = nullptr,
    .specialists = {.dir = "agents", .project_dir = ".opencode/agents", .form = "forms/opencode"},
};

}  // namespace selftune::hosts
