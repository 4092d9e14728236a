#include "hosts/gemini/extensions.h"
#include "hosts/rows.h"
#include "hosts/skill_switch_rows.h"

namespace selftune::hosts {
namespace {

using Base = SkillRoot::Base;

// The workspace beats the person, shared folders beat its own. A workspace is the folder
// that a session runs in, never one above.
constexpr SkillRoot kRoots[] = {
    {.base = Base::kProjectHere, .path = ".agents/skills", .scope = "project", .precedence = 1},
    {.base = Base::kProjectHere, .path = ".gemini/skills", .scope = "project", .precedence = 2},
    {.base = Base::kHome, .path = ".agents/skills", .scope = "global", .precedence = 3},
    {.base = Base::kConfigDir, .path = "skills", .scope = "global", .precedence = 4},
};

// A flag of the workspace takes the place of the person's; the lists are put together, so that
// what is in one of them is off.
constexpr SkillSwitch kSwitches[] = {
    {.file = "settings.json",
     .project_file = ".gemini/settings.json",
     .form = SkillSwitch::Form::kFlag,
     .key = "skills.enabled"},
    {.file = "settings.json",
     .project_file = ".gemini/settings.json",
     .form = SkillSwitch::Form::kNames,
     .key = "skills.disabled",
     .any_case = true},
};

}  // namespace

constinit const HostRow kGeminiRow = {
    .platform = "gemini",
    .title = "Gemini CLI",
    .command = "gemini",
    .config_env = "",
    .config_default = ".gemini",
    .skill_roots = kRoots,
    .equal_names_shadow = true,
    .explicit_only_key = "",
    .policy_file = "",
    .policy_implicit_key = "",
    .name_is_folder = false,
    .slash_text = true,
    .skill_ends_search = true,
    .named_roots = gemini::ExtensionSkillRoots,
    .specialists = {.dir = "agents", .project_dir = ".gemini/agents", .form = "forms/gemini"},
    .retention = {.settings_file = "settings.json", .key = "general.sessionRetention.maxAge"},
};

const std::span<const SkillSwitch> kGeminiSwitches = kSwitches;

}  // namespace selftune::hosts
