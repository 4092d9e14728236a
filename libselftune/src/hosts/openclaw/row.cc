#include "hosts/openclaw/skill_folders.h"
#include "hosts/rows.h"

namespace selftune::hosts {
namespace {

using Base = SkillRoot::Base;

// Only the default workspace: a folder `skills` of any other project need not
// be one of this host. Skills that its own workshop rewrites are left out.
constexpr SkillRoot kRoots[] = {
    {.base = Base::kConfigDir,
     .path = "workspace/skills",
     .scope = "global",
     .precedence = 1,
     .nested = true},
    {.base = Base::kConfigDir,
     .path = "workspace/.agents/skills",
     .scope = "global",
     .precedence = 2,
     .nested = true},
    {.base = Base::kHome,
     .path = ".agents/skills",
     .scope = "global",
     .precedence = 3,
     .nested = true},
    {.base = Base::kConfigDir,
     .path = "skills",
     .scope = "global",
     .precedence = 4,
     .nested = true},
};

}  // namespace

constinit const HostRow kOpenClawRow = {
    .platform = "openclaw",
    .title = "OpenClaw",
    .command = "openclaw",
    .config_env = "OPENCLAW_STATE_DIR",
    .config_default = ".openclaw",
    .skill_roots = kRoots,
    .equal_names_shadow = true,
    .explicit_only_key = "disable-model-invocation",
    .policy_file = "",
    .policy_implicit_key = "",
    .name_is_folder = false,
    .slash_text = true,
    .skill_ends_search = true,
    .named_roots = openclaw::NamedSkillRoots,
};

}  // namespace selftune::hosts
