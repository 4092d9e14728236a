// Claude Code's hooks: what it sends, what it reads (host-claude-code.md 10).
#include <string>
#include <string_view>

#include "hooks/event.h"
#include "hooks/host.h"
#include "hosts/hook_payload.h"
#include "hosts/hook_rows.h"

namespace selftune::hosts {
namespace {

using hooks::EventType;

// `Stop` comes at the end of every turn; a session ends with `SessionEnd`.
constexpr hooks::Subscription kSubscriptions[] = {
    {.native = "UserPromptSubmit", .matcher = "", .handler = "prompt-log", .timeout_seconds = 5},
    // What a typed "/name" stands for, before any transcript says so.
    {.native = "UserPromptExpansion",
     .matcher = "",
     .handler = "skill-command",
     .timeout_seconds = 5},
    {.native = "PreToolUse",
     .matcher = "Write|Edit|MultiEdit|NotebookEdit|Bash",
     .handler = "guard",
     .timeout_seconds = 5},
    {.native = "PostToolUse",
     .matcher = "Read|Skill|Bash",
     .handler = "skill-eval",
     .timeout_seconds = 5},
    // Without it a skill that could not be loaded leaves no trace, nor does a commit
    // of a command that failed after it.
    {.native = "PostToolUseFailure",
     .matcher = "Skill|Bash",
     .handler = "skill-eval",
     .timeout_seconds = 5},
    {.native = "Stop",
     .matcher = "",
     .handler = "session-stop",
     .timeout_seconds = 60,
     .async = true},
    // A turn that an error of the model ended.
    {.native = "StopFailure",
     .matcher = "",
     .handler = "session-stop",
     .timeout_seconds = 60,
     .async = true},
    {.native = "SubagentStart", .matcher = "", .handler = "subagent-start", .timeout_seconds = 5},
    {.native = "SubagentStop", .matcher = "", .handler = "subagent-stop", .timeout_seconds = 5},
    {.native = "SessionEnd", .matcher = "", .handler = "session-end", .timeout_seconds = 5},
};

constexpr NativeEvent kEvents[] = {
    {"UserPromptSubmit", "prompt-log", EventType::kPromptSubmit},
    {"UserPromptExpansion", "skill-command", EventType::kSkillCommand},
    {"PreToolUse", "guard", EventType::kPreToolUse},
    {"PostToolUse", "skill-eval", EventType::kPostToolUse},
    {"PostToolUseFailure", "skill-eval", EventType::kPostToolUse, /*failed=*/true},
    {"PostToolUse", "commit-track", EventType::kPostToolUse},
    {"PostToolUseFailure", "commit-track", EventType::kPostToolUse, /*failed=*/true},
    {"Stop", "session-stop", EventType::kTurnEnd},
    {"StopFailure", "session-stop", EventType::kTurnEnd},
    {"SubagentStart", "subagent-start", EventType::kAgentStart},
    {"SubagentStop", "subagent-stop", EventType::kAgentEnd},
    {"SessionEnd", "session-end", EventType::kSessionEnd},
};

constexpr std::string_view kWriteTools[] = {"Write", "Edit", "MultiEdit", "NotebookEdit"};

constexpr PayloadWords kWords = {.events = kEvents,
                                 .skill_tool = "Skill",
                                 .skill_key = "skill",
                                 .read_tool = "Read",
                                 .path_key = "file_path",
                                 .notebook_key = "notebook_path",
                                 .write_tools = kWriteTools,
                                 .shell_tool = "Bash",
                                 .shell_is_guarded = true};

hooks::Parsed Parse(std::string_view payload, std::string_view handler) {
  return ParsePayload(kWords, payload, handler);
}

// Claude Code takes an empty answer for "go on".
std::string Render(const hooks::Response& response, EventType type) {
  if (type == EventType::kPreToolUse) return RenderContext(response, "PreToolUse");
  return RenderContext(response, type == EventType::kPromptSubmit ? "UserPromptSubmit" : "");
}

}  // namespace

constinit const hooks::Host kClaudeCodeHooks = {
    .platform = "claude_code",
    .command = "claude",
    .subscriptions = kSubscriptions,
    .parse = Parse,
    .render = Render,
};

}  // namespace selftune::hosts
