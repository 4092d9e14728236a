// Cline's hooks (host-cline.md 3): programs named like the event. The session is
// `sessionContext.rootSessionId`; `taskId` is that of a conversation, and of the
// session in releases before 3. It is told to go on by the script that starts us.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/json_scan.h"
#include "base/json_writer.h"
#include "hooks/event.h"
#include "hooks/host.h"
#include "hosts/hook_rows.h"

namespace selftune::hosts {
namespace {

using base::JsonScan;
using base::JsonSpan;
using hooks::EventType;
using hooks::HookEvent;
using hooks::Parsed;
using hooks::ToolKind;
using Verdict = hooks::Parsed::Verdict;

// `native` is the file's name; Cline waits for the two of tools only.
constexpr hooks::Subscription kSubscriptions[] = {
    {.native = "PreToolUse", .matcher = "", .handler = "guard", .timeout_seconds = 5},
    {.native = "PostToolUse", .matcher = "", .handler = "skill-eval", .timeout_seconds = 5},
    {.native = "TaskComplete", .matcher = "", .handler = "session-stop", .timeout_seconds = 5},
    {.native = "TaskError", .matcher = "", .handler = "session-stop", .timeout_seconds = 5},
    {.native = "TaskCancel", .matcher = "", .handler = "session-stop", .timeout_seconds = 5},
    {.native = "SessionShutdown", .matcher = "", .handler = "session-end", .timeout_seconds = 5},
};

struct ClineEvent {
  std::string_view now, before;  // `hookName` of 3.x and of 2.x
  std::string_view handler;
  EventType type;
};
constexpr ClineEvent kEvents[] = {
    {"tool_call", "PreToolUse", "guard", EventType::kPreToolUse},
    {"tool_result", "PostToolUse", "skill-eval", EventType::kPostToolUse},
    {"agent_end", "TaskComplete", "session-stop", EventType::kTurnEnd},
    {"agent_error", "TaskError", "session-stop", EventType::kTurnEnd},
    {"agent_abort", "TaskCancel", "session-stop", EventType::kTurnEnd},
    {"session_shutdown", "SessionShutdown", "session-end", EventType::kSessionEnd},
};

// The member of an object; missing without it.
JsonSpan Member(const JsonSpan& object, std::string_view key) {
  if (!object.is_object()) return {};
  JsonScan scan(object.text);
  while (scan.Next()) {
    if (scan.key().Is(key)) return scan.value();
  }
  return {};
}

Parsed Reject(HookEvent event, std::string_view why) {
  return {.verdict = Verdict::kReject, .event = std::move(event), .why = why};
}

// The texts of a JSON list, one a line; a text with such a list in it, too.
std::string Lines(const JsonSpan& value) {
  std::string inner;
  std::string_view list = value.text;
  if (value.is_string()) {
    inner = value.ToString();
    if (!inner.starts_with('[')) return inner;
    list = inner;
  }
  std::string out;
  for (size_t open = list.find('"'); open != list.npos; open = list.find('"', open)) {
    size_t end = open + 1;
    while (end < list.size() && list[end] != '"') end += list[end] == '\\' ? 2 : 1;
    if (end >= list.size()) break;
    const JsonSpan text{.kind = JsonSpan::Kind::kString,
                        .escaped = true,
                        .text = list.substr(open + 1, end - open - 1)};
    out.append(text.ToString()).append("\n");
    open = end + 1;
  }
  return out;
}

bool IsOneOf(std::string_view word, std::span<const std::string_view> list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

constexpr std::string_view kWriteTools[] = {"editor", "apply_patch", "write_to_file",
                                            "replace_in_file"};
constexpr std::string_view kShellTools[] = {"run_commands", "execute_command"};

// `call`: {"id","name","input"} of 3.x, {"toolName","parameters"} of 2.x.
void ReadTool(const JsonSpan& call, HookEvent& event) {
  const bool now = Member(call, "name").present();
  event.tool_name = Member(call, now ? "name" : "toolName").ToString();
  event.tool_call_id = Member(call, "id").ToString();
  const JsonSpan input = Member(call, now ? "input" : "parameters");
  if (IsOneOf(event.tool_name, kWriteTools)) {
    event.tool = ToolKind::kWrite;
    event.path = Member(input, "path").ToString();
    event.command = Member(input, "input").ToString();
  } else if (IsOneOf(event.tool_name, kShellTools)) {
    event.tool = ToolKind::kShell;
    event.command = Lines(Member(input, now ? "commands" : "command"));
    const JsonSpan took = Member(call, "durationMs");
    int64_t ms = 0;
    const char* const begin = took.text.data();
    const char* const end = begin + took.text.size();
    if (took.kind == JsonSpan::Kind::kNumber && std::from_chars(begin, end, ms).ec == std::errc()) {
      event.duration_ms = ms;
    }
  } else if (event.tool_name == "skills") {
    event.tool = ToolKind::kSkill;
    event.skill = Member(input, "skill").ToString();
    const JsonSpan args = Member(input, "args");
    if (args.is_string()) event.args = args.ToString();
    event.tool_failed = Member(call, "error").present();
  }
}

Parsed Parse(std::string_view payload, std::string_view handler) {
  HookEvent event;
  JsonSpan name, task, context, result, before, roots;  // `before`: as 2.x has it
  JsonScan scan(payload);
  while (scan.Next()) {
    const JsonSpan& key = scan.key();
    if (key.Is("hookName")) name = scan.value();
    if (key.Is("taskId")) task = scan.value();
    if (key.Is("sessionContext")) context = scan.value();
    if (key.Is("tool_call") || key.Is("tool_result")) result = scan.value();
    if (key.Is("preToolUse") || key.Is("postToolUse")) before = scan.value();
    if (key.Is("workspaceInfo")) roots = scan.value();
  }
  const bool empty = payload.find_first_not_of(" \t\r\n") == payload.npos;
  if (!scan.complete()) return Reject(event, empty ? "empty" : "bad_json");
  const ClineEvent* found = nullptr;
  for (const ClineEvent& known : kEvents) {
    const bool named = name.is_string() && (name.Is(known.now) || name.Is(known.before));
    const bool asked = known.handler == handler;
    if (name.is_string() ? named && (asked || handler.empty()) : asked) found = &known;
  }
  if (found == nullptr) return name.is_string() ? Parsed{} : Reject(event, "no_event");
  event.type = found->type;
  event.session_id = Member(context, "rootSessionId").ToString();
  if (event.session_id.empty()) event.session_id = task.ToString();
  event.cwd = Member(roots, "rootPath").ToString();
  const bool of_tool =
      found->type == EventType::kPostToolUse || found->type == EventType::kPreToolUse;
  if (of_tool) ReadTool(result.present() ? result : before, event);
  return {.verdict = Verdict::kUse, .event = std::move(event), .why = ""};
}

// Read before a call only; the script says "go on" where we say nothing.
std::string Render(const hooks::Response& response, EventType type) {
  if (type != EventType::kPreToolUse || response.context.empty()) return "";
  base::JsonWriter out;
  out.BeginObject()
      .Field("cancel", response.deny)
      .Field(response.deny ? "errorMessage" : "contextModification", response.context)
      .EndObject();
  return std::move(out).Take();
}

}  // namespace

constinit const hooks::Host kClineHooks = {
    .platform = "cline",
    .command = "cline",
    .subscriptions = kSubscriptions,
    .parse = Parse,
    .render = Render,
    .ends_with_turn = true,  // one-shot runs shut nothing down
};

}  // namespace selftune::hosts
