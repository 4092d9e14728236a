// Cline's hooks (host-cline.md 3): programs named like the event. The session is
// `sessionContext.rootSessionId`; `taskId` is that of a conversation, and of the
// session in releases before 3. It is told to go on by the script that starts us.
#include <string>
#include <string_view>
#include <utility>

#include "base/json_scan.h"
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

// `native` is the file's name; a person at a terminal waits for PostToolUse only.
constexpr hooks::Subscription kSubscriptions[] = {
    {.native = "PostToolUse", .matcher = "", .handler = "skill-eval", .timeout_seconds = 5},
    {.native = "TaskComplete", .matcher = "", .handler = "session-stop", .timeout_seconds = 5},
    {.native = "SessionShutdown", .matcher = "", .handler = "session-end", .timeout_seconds = 5},
};

struct ClineEvent {
  std::string_view now, before;  // `hookName` of 3.x and of 2.x
  std::string_view handler;
  EventType type;
};
constexpr ClineEvent kEvents[] = {
    {"tool_result", "PostToolUse", "skill-eval", EventType::kPostToolUse},
    {"agent_end", "TaskComplete", "session-stop", EventType::kTurnEnd},
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

void ReadTool(const JsonSpan& result, HookEvent& event) {
  event.tool_name = Member(result, "name").ToString();
  event.tool_call_id = Member(result, "id").ToString();
  if (event.tool_name != "skills") return;
  const JsonSpan input = Member(result, "input");
  event.tool = ToolKind::kSkill;
  event.skill = Member(input, "skill").ToString();
  const JsonSpan args = Member(input, "args");
  if (args.is_string()) event.args = args.ToString();
  event.tool_failed = Member(result, "error").present();
}

Parsed Parse(std::string_view payload, std::string_view handler) {
  HookEvent event;
  JsonSpan name, task, context, result, roots;
  JsonScan scan(payload);
  while (scan.Next()) {
    const JsonSpan& key = scan.key();
    if (key.Is("hookName")) name = scan.value();
    if (key.Is("taskId")) task = scan.value();
    if (key.Is("sessionContext")) context = scan.value();
    if (key.Is("tool_result")) result = scan.value();
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
  if (found->type == EventType::kPostToolUse) ReadTool(result, event);
  return {.verdict = Verdict::kUse, .event = std::move(event), .why = ""};
}

std::string Render(const hooks::Response&, EventType) { return ""; }

}  // namespace

constinit const hooks::Host kClineHooks = {
    .platform = "cline",
    .command = "cline",
    .subscriptions = kSubscriptions,
    .parse = Parse,
    .render = Render,
};

}  // namespace selftune::hosts
