// Copilot CLI's hooks (host-others.md C). The event's name is not in the payload:
// the handler on the command line says it. Prompts of subagents come like those a
// person typed, and calls of tools without their id: both are left to the transcript.
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
};

constexpr NativeEvent kEvents[] = {
    {"agentStop", "session-stop", EventType::kTurnEnd},
    {"sessionEnd", "session-end", EventType::kSessionEnd},
};

constexpr PayloadText kTexts[] = {
    {"sessionId", &HookEvent::session_id},
    {"transcriptPath", &HookEvent::transcript_path},
    {"cwd", &HookEvent::cwd},
    {"reason", &HookEvent::reason},
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
