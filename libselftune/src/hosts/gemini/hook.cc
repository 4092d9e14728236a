// Gemini CLI's hooks (host-gemini.md 6): Claude Code's with other names.
// Its tool events have no id of the call, so what it uses is left to its chat file.
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

constexpr hooks::Subscription kSubscriptions[] = {
    {.native = "BeforeAgent", .matcher = "", .handler = "prompt-log", .timeout_seconds = 5},
    {.native = "BeforeTool",
     .matcher = "write_file|replace|run_shell_command",
     .handler = "guard",
     .timeout_seconds = 5},
    {.native = "AfterTool",
     .matcher = "run_shell_command",
     .handler = "commit-track",
     .timeout_seconds = 5},
    {.native = "AfterAgent", .matcher = "", .handler = "session-stop", .timeout_seconds = 5},
    {.native = "SessionEnd", .matcher = "", .handler = "session-end", .timeout_seconds = 5},
};

constexpr NativeEvent kEvents[] = {
    {"BeforeAgent", "prompt-log", EventType::kPromptSubmit},
    {"BeforeTool", "guard", EventType::kPreToolUse},
    {"AfterTool", "commit-track", EventType::kPostToolUse},
    {"AfterAgent", "session-stop", EventType::kTurnEnd},
    {"SessionEnd", "session-end", EventType::kSessionEnd},
};
constexpr std::string_view kWriteTools[] = {"write_file", "replace"};
constexpr PayloadWords kWords = {.events = kEvents,
                                 .skill_tool = "",
                                 .skill_key = "",
                                 .read_tool = "",
                                 .path_key = "file_path",
                                 .write_tools = kWriteTools,
                                 .shell_tool = "run_shell_command",
                                 .shell_is_guarded = true};

hooks::Parsed Parse(std::string_view payload, std::string_view handler) {
  return ParsePayload(kWords, payload, handler);
}

// A refusal stands at the top; advice is for the person, and for the model where it
// reads it.
std::string RenderGuard(const hooks::Response& response) {
  if (response.context.empty()) return "";
  base::JsonWriter out;
  out.BeginObject();
  if (response.deny) {
    out.Field("decision", "deny").Field("reason", response.context);
  } else {
    out.Field("systemMessage", response.context)
        .Key("hookSpecificOutput")
        .BeginObject()
        .Field("hookEventName", "BeforeTool")
        .Field("additionalContext", response.context)
        .EndObject();
  }
  out.EndObject();
  return std::move(out).Take();
}

std::string Render(const hooks::Response& response, EventType type) {
  if (type == EventType::kPreToolUse) return RenderGuard(response);
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
