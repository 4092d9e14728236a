#include "hosts/claude_code/plugins.h"
#include "hosts/rows.h"
#include "hosts/skill_switch_rows.h"

namespace selftune::hosts {
namespace {

using Base = SkillRoot::Base;

// A personal skill beats a project's of the same name; one level deep.
constexpr SkillRoot kRoots[] = {
    {.base = Base::kAbsolute,
     .path = "/etc/claude-code/.claude/skills",
     .scope = "admin",
     .precedence = 1},
    {.base = Base::kConfigDir, .path = "skills", .scope = "global", .precedence = 2},
    {.base = Base::kProjectUp,
     .path = ".claude/skills",
     .scope = "project",
     .precedence = 3,
     .outside = skillfs::Outside::kBelowHome},
};

// "user-invocable-only" keeps the command alone; a project's word takes the place of the
// person's for that skill, the local one's of both. No patterns, and case matters.
constexpr SkillSwitch kSwitches[] = {
    {.file = "settings.json",
     .project_file = ".claude/settings.json",
     .form = SkillSwitch::Form::kWords,
     .key = "skillOverrides",
     .off = "off user-invocable-only"},
    {.file = "",
     .project_file = ".claude/settings.local.json",
     .form = SkillSwitch::Form::kWords,
     .key = "skillOverrides",
     .off = "off user-invocable-only"},
};

}  // namespace

constinit const HostRow kClaudeCodeRow = {
    .platform = "claude_code",
    .title = "Claude Code",
    .command = "claude",
    .config_env = "CLAUDE_CONFIG_DIR",
    .config_default = ".claude",
    .skill_roots = kRoots,
    .equal_names_shadow = true,
    .explicit_only_key = "disable-model-invocation",
    .policy_file = "",
    .policy_implicit_key = "",
    .name_is_folder = true,
    .skill_ends_search = true,
    .named_roots = claude_code::PluginSkillRoots,
    .specialists = {.dir = "agents", .project_dir = ".claude/agents", .form = "agents"},
    // peers.md W5: 1 % of the context window, the least used lose their
    // description first. Characters: the host's own documentation and settings
    // schema (1 % of 200,000 tokens at 4 characters, 1,536 a description).
    .listing = {.window_share = 0.01,
                .usual_chars = 8000,
                .max_description = 1536,
                .cut = ListingBudget::Cut::kLeastUsed,
                .also_listed = "when_to_use",
                .settings_file = "settings.json",
                .share_key = "skillListingBudgetFraction",
                .description_key = "skillListingMaxDescChars",
                .chars_key = "SLASH_COMMAND_TOOL_CHAR_BUDGET"},
    .retention = {.usual_days = 30, .settings_file = "settings.json", .key = "cleanupPeriodDays"},
};

const std::span<const SkillSwitch> kClaudeCodeSwitches = kSwitches;

}  // namespace selftune::hosts
