// Gemini CLI's hooks (host-gemini.md 6): Claude Code's with other names.
// Its tool events have no id of the call, so what it uses is left to its chat file.
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
    {.native = "BeforeAgent", .matcher = "", .handler = "prompt-log", .timeout_seconds = 5},
    {.native = "AfterAgent", .matcher = "", .handler = "session-stop", .timeout_seconds = 5},
    {.native = "SessionEnd", .matcher = "", .handler = "session-end", .timeout_seconds = 5},
};

constexpr NativeEvent kEvents[] = {
    {"BeforeAgent", "prompt-log", EventType::kPromptSubmit},
    {"AfterAgent", "session-stop", EventType::kTurnEnd},
    {"SessionEnd", "session-end", EventType::kSessionEnd},
};
constexpr PayloadWords kWords = {
    .events = kEvents, .skill_tool = "", .skill_key = "", .read_tool = "", .path_key = ""};

hooks::Parsed Parse(std::string_view payload, std::string_view handler) {
  return ParsePayload(kWords, payload, handler);
}

std::string Render(const hooks::Response& response, EventType type) {
  return RenderContext(response, type == EventType::kPromptSubmit ? "BeforeAgent" : "");
}

}  // namespace

constinit const hooks::Host kGeminiHooks = {
    .platform = "gemini",
    .command = "gemini",
    .subscriptions = kSubscriptions,
    .parse = Parse,
    .render = Render,
};

}  // namespace selftune::hosts
