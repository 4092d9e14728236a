// Gemini CLI's hooks (host-gemini.md 6): Claude Code's with other names.
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
    {.native = "AfterTool",
     .matcher = "activate_skill|read_file",
     .handler = "skill-eval",
     .timeout_seconds = 5},
    {.native = "AfterAgent", .matcher = "", .handler = "session-stop", .timeout_seconds = 5},
    {.native = "SessionEnd", .matcher = "", .handler = "session-end", .timeout_seconds = 5},
};

constexpr NativeEvent kEvents[] = {
    {"BeforeAgent", "prompt-log", EventType::kPromptSubmit},
    {"AfterTool", "skill-eval", EventType::kPostToolUse},
    {"AfterAgent", "session-stop", EventType::kTurnEnd},
    {"SessionEnd", "session-end", EventType::kSessionEnd},
};
constexpr PayloadWords kWords = {.events = kEvents,
                                 .skill_tool = "activate_skill",
                                 .skill_key = "name",
                                 .read_tool = "read_file",
                                 .path_key = "file_path"};

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
