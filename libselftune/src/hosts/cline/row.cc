#include "hosts/cline/old_skills.h"
#include "hosts/rows.h"

namespace selftune::hosts {
namespace {

using Base = SkillRoot::Base;

// Which of two equal names wins is not known, so neither hides the other. Of a project the
// root of the repository; where version 2 looks: old_skills.h.
constexpr SkillRoot kRoots[] = {
    {.base = Base::kProjectOnly, .path = ".clinerules/skills", .scope = "project", .precedence = 1},
    {.base = Base::kProjectOnly, .path = ".cline/skills", .scope = "project", .precedence = 2},
    {.base = Base::kProjectOnly, .path = ".agents/skills", .scope = "project", .precedence = 3},
    {.base = Base::kConfigDir, .path = "skills", .scope = "global", .precedence = 4},
    {.base = Base::kHome, .path = ".agents/skills", .scope = "global", .precedence = 5},
};

}  // namespace

constinit const HostRow kClineRow = {
    .platform = "cline",
    .title = "Cline",
    .command = "cline",
    .config_env = "CLINE_DIR",
    .config_default = ".cline",
    .skill_roots = kRoots,
    .equal_names_shadow = false,
    .explicit_only_key = "",
    .policy_file = "",
    .policy_implicit_key = "",
    .name_is_folder = false,
    .slash_text = true,
    .skill_ends_search = true,
    .named_roots = cline::OldSkillRoots,
    .specialists = {.dir = "agents", .project_dir = ".cline/agents", .form = "forms/cline"},
};

}  // namespace selftune::hosts
