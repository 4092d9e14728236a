#include "hosts/opencode/skill_paths.h"
#include "hosts/rows.h"

namespace selftune::hosts {
namespace {

using Base = SkillRoot::Base;

// From the one that is read last, whose skill stands as a rule. The host reads the files of all
// folders at once, so which of equal names does is left to chance, and none is called hidden.
constexpr SkillRoot kRoots[] = {
    {.base = Base::kHome,
     .path = ".opencode/skill",
     .scope = "global",
     .precedence = 1,
     .nested = true},
    {.base = Base::kHome,
     .path = ".opencode/skills",
     .scope = "global",
     .precedence = 1,
     .nested = true},
    {.base = Base::kProjectUp,
     .path = ".opencode/skill",
     .scope = "project",
     .precedence = 2,
     .nested = true,
     .outside = skillfs::Outside::kTop},
    {.base = Base::kProjectUp,
     .path = ".opencode/skills",
     .scope = "project",
     .precedence = 2,
     .nested = true,
     .outside = skillfs::Outside::kTop},
    {.base = Base::kConfigDir, .path = "skill", .scope = "global", .precedence = 3, .nested = true},
    {.base = Base::kConfigDir,
     .path = "skills",
     .scope = "global",
     .precedence = 3,
     .nested = true},
    {.base = Base::kProjectUp,
     .path = ".claude/skills",
     .scope = "project",
     .precedence = 4,
     .nested = true,
     .outside = skillfs::Outside::kTop},
    {.base = Base::kProjectUp,
     .path = ".agents/skills",
     .scope = "project",
     .precedence = 4,
     .nested = true,
     .outside = skillfs::Outside::kTop},
    {.base = Base::kHome,
     .path = ".claude/skills",
     .scope = "global",
     .precedence = 5,
     .nested = true},
    {.base = Base::kHome,
     .path = ".agents/skills",
     .scope = "global",
     .precedence = 5,
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
    .equal_names_shadow = false,
    .explicit_only_key = "",
    .policy_file = "",
    .policy_implicit_key = "",
    .name_is_folder = false,
    .skill_ends_search = false,
    .named_roots = opencode::NamedSkillRoots,
    .specialists = {.dir = "agents", .project_dir = ".opencode/agents", .form = "forms/opencode"},
};

}  // namespace selftune::hosts
