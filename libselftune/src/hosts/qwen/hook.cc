// Qwen Code's hooks (host-others.md D): Claude Code's, in its own settings.json.
#include <string>
#include <string_view>

#include "hooks/event.h"
#include "hooks/host.h"
#include "hosts/hook_payload.h"
#include "hosts/hook_rows.h"

namespace selftune::hosts {
namespace {

using hooks::EventType;

constexpr hooks::Subscription kSubscriptions[] = {
    {.native = "UserPromptSubmit", .matcher = "", .handler = "prompt-log", .timeout_seconds = 5},
    {.native = "PreToolUse",
     .matcher = "write_file|edit|run_shell_command",
     .handler = "guard",
     .timeout_seconds = 5},
    {.native = "PostToolUse",
     .matcher = "skill|read_file|run_shell_command",
     .handler = "skill-eval",
     .timeout_seconds = 5},
    {.native = "PostToolUseFailure",
     .matcher = "skill|run_shell_command",
     .handler = "skill-eval",
     .timeout_seconds = 5},
    {.native = "Stop", .matcher = "", .handler = "session-stop", .timeout_seconds = 5},
    {.native = "StopFailure", .matcher = "", .handler = "session-stop", .timeout_seconds = 5},
    {.native = "SubagentStart", .matcher = "", .handler = "subagent-start", .timeout_seconds = 5},
    {.native = "SubagentStop", .matcher = "", .handler = "subagent-stop", .timeout_seconds = 5},
    {.native = "SessionEnd", .matcher = "", .handler = "session-end", .timeout_seconds = 5},
};

constexpr NativeEvent kEvents[] = {
    {"UserPromptSubmit", "prompt-log", EventType::kPromptSubmit},
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
constexpr std::string_view kWriteTools[] = {"write_file", "edit"};
constexpr PayloadWords kWords = {.events = kEvents,
                                 .skill_tool = "skill",
                                 .skill_key = "skill",
                                 .read_tool = "read_file",
                                 .path_key = "file_path",
                                 .write_tools = kWriteTools,
                                 .shell_tool = "run_shell_command",
                                 .shell_is_guarded = true,
                                 .needs_call_id = true};

hooks::Parsed Parse(std::string_view payload, std::string_view handler) {
  return ParsePayload(kWords, payload, handler);
}

std::string Render(const hooks::Response& response, EventType type) {
  if (type == EventType::kPreToolUse) return RenderContext(response, "PreToolUse");
  return RenderContext(response, type == EventType::kPromptSubmit ? "UserPromptSubmit" : "");
}

}  // namespace

constinit const hooks::Host kQwenHooks = {
    .platform = "qwen",
    .command = "qwen",
    .subscriptions = kSubscriptions,
    .parse = Parse,
    .render = Render,
    .ends_with_turn = true,  // `qwen -p` ends without a SessionEnd
};

}  // namespace selftune::hosts
