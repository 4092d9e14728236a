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
    {.native = "Stop", .matcher = "", .handler = "session-stop", .timeout_seconds = 5},
    {.native = "SessionEnd", .matcher = "", .handler = "session-end", .timeout_seconds = 3},
};

constexpr NativeEvent kEvents[] = {
    {"UserPromptSubmit", "prompt-log", EventType::kPromptSubmit},
    {"Stop", "session-stop", EventType::kTurnEnd},
    {"SessionEnd", "session-end", EventType::kSessionEnd},
};
constexpr PayloadWords kWords = {
    .events = kEvents, .skill_tool = "", .skill_key = "", .read_tool = "", .path_key = ""};

hooks::Parsed Parse(std::string_view payload, std::string_view handler) {
  return ParsePayload(kWords, payload, handler);
}

std::string Render(const hooks::Response& response, EventType type) {
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
