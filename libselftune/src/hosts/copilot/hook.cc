// Copilot CLI's hooks (host-others.md C). The event's name is not in the payload:
// the handler on the command line says it. Calls of tools come without their id: they
// are left to the transcript. A subagent is its own session here, and names its parent.
#include <string>
#include <string_view>
#include <utility>

#include "base/json_writer.h"
#include "hooks/event.h"
#include "hooks/host.h"
#include "hosts/hook_payload.h"
#include "hosts/hook_rows.h"

namespace selftune::hosts {
namespace {

using hooks::EventType;
using hooks::HookEvent;

constexpr hooks::Subscription kSubscriptions[] = {
    {.native = "preToolUse", .matcher = "", .handler = "guard", .timeout_seconds = 5},
    {.native = "postToolUse", .matcher = "", .handler = "commit-track", .timeout_seconds = 5},
    {.native = "agentStop", .matcher = "", .handler = "session-stop", .timeout_seconds = 5},
    // A turn that an error ended: no other event tells of it. What was recoverable is
    // followed by the turn's own end.
    {.native = "errorOccurred", .matcher = "", .handler = "session-stop", .timeout_seconds = 5},
    {.native = "subagentStop", .matcher = "", .handler = "subagent-stop", .timeout_seconds = 5},
    {.native = "sessionEnd", .matcher = "", .handler = "session-end", .timeout_seconds = 5},
    {.native = "userPromptSubmitted", .matcher = "", .handler = "prompt-log", .timeout_seconds = 5},
};

constexpr NativeEvent kEvents[] = {
    {"preToolUse", "guard", EventType::kPreToolUse},
    {"postToolUse", "commit-track", EventType::kPostToolUse},
    {"agentStop", "session-stop", EventType::kTurnEnd},
    {"errorOccurred", "session-stop", EventType::kTurnEnd},
    {"subagentStop", "subagent-stop", EventType::kAgentEnd},
    {"sessionEnd", "session-end", EventType::kSessionEnd},
    {"userPromptSubmitted", "prompt-log", EventType::kPromptSubmit},
};

constexpr PayloadText kTexts[] = {
    {"sessionId", &HookEvent::session_id},
    {"transcriptPath", &HookEvent::transcript_path},
    {"cwd", &HookEvent::cwd},
    {"toolName", &HookEvent::tool_name},
    {"reason", &HookEvent::reason},
    {"prompt", &HookEvent::prompt},
    {"agentId", &HookEvent::agent_id},
    {"agentType", &HookEvent::agent_type},
    {"parentAgentId", &HookEvent::session_id},
};

constexpr std::string_view kWriteTools[] = {"create", "edit"};
constexpr PayloadWords kWords = {
    .events = kEvents,
    .skill_tool = "",
    .skill_key = "",
    .read_tool = "",
    .path_key = "path",
    .write_tools = kWriteTools,
    .shell_tool = "bash",
    .shell_is_guarded = true,
    .input_may_be_text = true,
    .texts = kTexts,
    .keys = {.name = "toolName", .input = "toolArgs", .response = "toolResult"}};

hooks::Parsed Parse(std::string_view payload, std::string_view handler) {
  return ParsePayload(kWords, payload, handler);
}

// It reads refusals only: an answer of "allow" would skip the person's own consent.
std::string Render(const hooks::Response& response, EventType type) {
  if (type != EventType::kPreToolUse || !response.deny) return "";
  base::JsonWriter out;
  out.BeginObject()
      .Field("permissionDecision", "deny")
      .Field("permissionDecisionReason", response.context)
      .EndObject();
  return std::move(out).Take();
}

}  // namespace

constinit const hooks::Host kCopilotHooks = {
    .platform = "copilot",
    .command = "copilot",
    .subscriptions = kSubscriptions,
    .parse = Parse,
    .render = Render,
};

}  // namespace selftune::hosts
