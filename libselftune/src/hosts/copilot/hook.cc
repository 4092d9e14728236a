// Copilot CLI's hooks (host-others.md C). The event's name is not in the payload:
// the handler on the command line says it. Calls of tools come without their id: they
// are left to the transcript. A subagent is its own session here, and names its parent.
#include <string>
#include <string_view>

#include "hooks/event.h"
#include "hooks/host.h"
#include "hosts/hook_payload.h"
#include "hosts/hook_rows.h"

namespace selftune::hosts {
namespace {

using hooks::EventType;
using hooks::HookEvent;

constexpr hooks::Subscription kSubscriptions[] = {
    {.native = "agentStop", .matcher = "", .handler = "session-stop", .timeout_seconds = 5},
    {.native = "sessionEnd", .matcher = "", .handler = "session-end", .timeout_seconds = 5},
    {.native = "userPromptSubmitted", .matcher = "", .handler = "prompt-log", .timeout_seconds = 5},
};

constexpr NativeEvent kEvents[] = {
    {"agentStop", "session-stop", EventType::kTurnEnd},
    {"sessionEnd", "session-end", EventType::kSessionEnd},
    {"userPromptSubmitted", "prompt-log", EventType::kPromptSubmit},
};

constexpr PayloadText kTexts[] = {
    {"sessionId", &HookEvent::session_id},
    {"transcriptPath", &HookEvent::transcript_path},
    {"cwd", &HookEvent::cwd},
    {"reason", &HookEvent::reason},
    {"prompt", &HookEvent::prompt},
    {"agentId", &HookEvent::agent_id},
    {"agentType", &HookEvent::agent_type},
    {"parentAgentId", &HookEvent::session_id},
};

constexpr PayloadWords kWords = {.events = kEvents,
                                 .skill_tool = "",
                                 .skill_key = "",
                                 .read_tool = "",
                                 .path_key = "",
                                 .texts = kTexts};

hooks::Parsed Parse(std::string_view payload, std::string_view handler) {
  return ParsePayload(kWords, payload, handler);
}

// Copilot is told nothing.
std::string Render(const hooks::Response&, EventType) { return ""; }

}  // namespace

constinit const hooks::Host kCopilotHooks = {
    .platform = "copilot",
    .command = "copilot",
    .subscriptions = kSubscriptions,
    .parse = Parse,
    .render = Render,
};

}  // namespace selftune::hosts
