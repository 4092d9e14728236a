#include "hosts/codex/plugins.h"
#include "hosts/rows.h"
#include "hosts/skill_switch_rows.h"

namespace selftune::hosts {
namespace {

using Base = SkillRoot::Base;

// Equal names are all listed, so the numbers are only an order.
constexpr SkillRoot kRoots[] = {
    {.base = Base::kProjectUp,
     .path = ".codex/skills",
     .scope = "project",
     .precedence = 1,
     .nested = true},
    {.base = Base::kConfigDir,
     .path = "skills",
     .scope = "global",
     .precedence = 2,
     .nested = true},
    {.base = Base::kHome,
     .path = ".agents/skills",
     .scope = "global",
     .precedence = 3,
     .nested = true},
    {.base = Base::kConfigDir,
     .path = "skills/.system",
     .scope = "system",
     .precedence = 4,
     .nested = true},
    {.base = Base::kProjectUp,
     .path = ".agents/skills",
     .scope = "project",
     .precedence = 5,
     .nested = true},
    {.base = Base::kAbsolute,
     .path = "/etc/codex/skills",
     .scope = "admin",
     .precedence = 6,
     .nested = true},
};

constexpr SkillSwitch kSwitches[] = {
    {.file = "config.toml", .form = SkillSwitch::Form::kToml, .key = "skills.config"},
};

}  // namespace

constinit const HostRow kCodexRow = {
    .platform = "codex",
    .title = "Codex CLI",
    .command = "codex",
    .config_env = "CODEX_HOME",
    .config_default = ".codex",
    .skill_roots = kRoots,
    .equal_names_shadow = false,
    .explicit_only_key = "",
    .policy_file = "agents/openai.yaml",
    .policy_implicit_key = "policy.allow_implicit_invocation",
    .name_is_folder = false,
    .skill_ends_search = false,
    .named_roots = codex::PluginSkillRoots,
    // host-codex.md 4: about 2 % of the context window, descriptions shortened,
    // entries end with "(file: PATH)". 8,000 characters where the window is not
    // known, 1,024 a description: the host's documentation and source.
    .listing = {.window_share = 0.02,
                .usual_chars = 8000,
                .max_description = 1024,
                .cut = ListingBudget::Cut::kShortened,
                .names_file = true},
};

const std::span<const SkillSwitch> kCodexSwitches = kSwitches;

}  // namespace selftune::hosts
