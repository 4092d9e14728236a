#include "hosts/rows.h"
#include "hosts/skill_switch_rows.h"

namespace selftune::hosts {
namespace {

using Base = SkillRoot::Base;
using skillfs::Outside;

// Which of two equal names wins is not known, so neither hides the other.
constexpr SkillRoot kRoots[] = {
    {.base = Base::kProjectUp,
     .path = ".github/skills",
     .scope = "project",
     .precedence = 1,
     .outside = Outside::kHome},
    {.base = Base::kProjectUp,
     .path = ".agents/skills",
     .scope = "project",
     .precedence = 2,
     .outside = Outside::kHome},
    {.base = Base::kProjectUp,
     .path = ".claude/skills",
     .scope = "project",
     .precedence = 3,
     .outside = Outside::kBelowHome},
    {.base = Base::kConfigDir, .path = "skills", .scope = "global", .precedence = 4},
    {.base = Base::kHome, .path = ".agents/skills", .scope = "global", .precedence = 5},
};

// The person's alone; in settings of a repository the host does not heed it.
constexpr SkillSwitch kSwitches[] = {
    {.file = "settings.json",
     .project_file = "",
     .form = SkillSwitch::Form::kNames,
     .key = "disabledSkills"},
};

}  // namespace

constinit const HostRow kCopilotRow = {
    .platform = "copilot",
    .title = "GitHub Copilot CLI",
    .command = "copilot",
    .config_env = "COPILOT_HOME",
    .config_default = ".copilot",
    .skill_roots = kRoots,
    .equal_names_shadow = false,
    .explicit_only_key = "",
    .policy_file = "",
    .policy_implicit_key = "",
    .name_is_folder = false,
    .slash_text = true,
    .skill_ends_search = true,
    .named_roots = nullptr,
    .specialists = {.dir = "agents", .project_dir = ".github/agents", .form = "forms/copilot"},
};

const std::span<const SkillSwitch> kCopilotSwitches = kSwitches;

}  // namespace selftune::hosts
