// Codex's hooks (host-codex.md 7). It has no tool for skills: what it loads shows in
// its transcript.
#include <string>
#include <string_view>

#include "hooks/event.h"
#include "hooks/host.h"
#include "hosts/hook_payload.h"
#include "hosts/hook_rows.h"

namespace selftune::hosts {
namespace {

using hooks::EventType;

// Their text is what the person approved: it stays the same over releases. `Stop`
// comes at the end of every turn.
constexpr hooks::Subscription kSubscriptions[] = {
    {.native = "UserPromptSubmit", .matcher = "", .handler = "prompt-log", .timeout_seconds = 5},
    {.native = "PreToolUse",
     .matcher = "^(apply_patch|Bash)$",
     .handler = "guard",
     .timeout_seconds = 5},
    {.native = "PostToolUse", .matcher = "^Bash$", .handler = "commit-track", .timeout_seconds = 5},
    {.native = "Stop", .matcher = "", .handler = "session-stop", .timeout_seconds = 5},
    {.native = "Interrupt", .matcher = "", .handler = "session-stop", .timeout_seconds = 3},
    {.native = "SubagentStart", .matcher = "", .handler = "subagent-start", .timeout_seconds = 5},
    {.native = "SubagentStop", .matcher = "", .handler = "subagent-stop", .timeout_seconds = 5},
    {.native = "SessionEnd", .matcher = "", .handler = "session-end", .timeout_seconds = 3},
};

constexpr NativeEvent kEvents[] = {
    {"UserPromptSubmit", "prompt-log", EventType::kPromptSubmit},
    {"PreToolUse", "guard", EventType::kPreToolUse},
    {"PostToolUse", "commit-track", EventType::kPostToolUse},
    {"Stop", "session-stop", EventType::kTurnEnd},
    {"Interrupt", "session-stop", EventType::kTurnEnd},
    {"SubagentStart", "subagent-start", EventType::kAgentStart},
    {"SubagentStop", "subagent-stop", EventType::kAgentEnd},
    {"SessionEnd", "session-end", EventType::kSessionEnd},
};
// A turn has an id here as well, of another name.
constexpr PayloadText kTexts[] = {
    {"session_id", &hooks::HookEvent::session_id},
    {"transcript_path", &hooks::HookEvent::transcript_path},
    {"cwd", &hooks::HookEvent::cwd},
    {"turn_id", &hooks::HookEvent::prompt_id},
    {"agent_id", &hooks::HookEvent::agent_id},
    {"agent_type", &hooks::HookEvent::agent_type},
    {"tool_name", &hooks::HookEvent::tool_name},
    {"tool_use_id", &hooks::HookEvent::tool_call_id},
    {"prompt", &hooks::HookEvent::prompt},
    {"reason", &hooks::HookEvent::reason},
};

constexpr PayloadWords kWords = {.events = kEvents,
                                 .skill_tool = "",
                                 .skill_key = "",
                                 .read_tool = "",
                                 .path_key = "",
                                 .patch_tool = "apply_patch",
                                 .shell_tool = "Bash",
                                 .shell_is_guarded = true,
                                 .agents_are_sessions = true,
                                 .texts = kTexts};

hooks::Parsed Parse(std::string_view payload, std::string_view handler) {
  return ParsePayload(kWords, payload, handler);
}

std::string Render(const hooks::Response& response, EventType type) {
  if (type == EventType::kPreToolUse) return RenderContext(response, "PreToolUse");
  return RenderContext(response, type == EventType::kPromptSubmit ? "UserPromptSubmit" : "");
}

}  // namespace

constinit const hooks::Host kCodexHooks = {
    .platform = "codex",
    .command = "codex",
    .subscriptions = kSubscriptions,
    .parse = Parse,
    .render = Render,
};

}  // namespace selftune::hosts
