// Claude Code's hooks: what it sends, what it reads (host-claude-code.md 10).
#include <cstdint>
#include <string>
#include <string_view>
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

// `Stop` comes at the end of every turn; a session ends with `SessionEnd`.
constexpr hooks::Subscription kSubscriptions[] = {
    {.native = "UserPromptSubmit", .matcher = "", .handler = "prompt-log", .timeout_seconds = 5},
    {.native = "PostToolUse",
     .matcher = "Read|Skill",
     .handler = "skill-eval",
     .timeout_seconds = 5},
    {.native = "Stop",
     .matcher = "",
     .handler = "session-stop",
     .timeout_seconds = 60,
     .async = true},
    {.native = "SessionEnd", .matcher = "", .handler = "session-end", .timeout_seconds = 5},
};

struct NativeEvent {
  std::string_view native, handler;
  EventType type;
};
constexpr NativeEvent kEvents[] = {
    {"UserPromptSubmit", "prompt-log", EventType::kPromptSubmit},
    {"PostToolUse", "skill-eval", EventType::kPostToolUse},
    {"Stop", "session-stop", EventType::kTurnEnd},
    {"SessionEnd", "session-end", EventType::kSessionEnd},
};

ToolKind ToolOf(const JsonSpan& name) {
  if (name.Is("Skill")) return ToolKind::kSkill;
  return name.Is("Read") ? ToolKind::kRead : ToolKind::kOther;
}

struct TextField {
  std::string_view key;
  std::string HookEvent::* member;
};
constexpr TextField kTexts[] = {
    {"session_id", &HookEvent::session_id},
    {"transcript_path", &HookEvent::transcript_path},
    {"cwd", &HookEvent::cwd},
    {"prompt_id", &HookEvent::prompt_id},
    {"agent_id", &HookEvent::agent_id},
    {"agent_type", &HookEvent::agent_type},
    {"tool_name", &HookEvent::tool_name},
    {"tool_use_id", &HookEvent::tool_call_id},
    {"prompt", &HookEvent::prompt},
    {"user_prompt", &HookEvent::prompt},
    {"reason", &HookEvent::reason},
};

// Reads one payload. Fields come in any order; what is not known is skipped.
class Reader {
 public:
  Reader(std::string_view payload, std::string_view handler)
      : scan_(payload),
        empty_(payload.find_first_not_of(" \t\r\n") == std::string_view::npos),
        handler_(handler) {}

  Parsed Read() && {
    while (scan_.Next()) {
      if (!Field(scan_.key(), scan_.value())) return Reject("wrong_type");
      // The rest, perhaps megabytes of a result, can change nothing.
      if (Settled()) return {};
    }
    if (!scan_.complete()) return Reject(empty_ ? "empty" : "bad_json");
    return Conclude();
  }

 private:
  Parsed Reject(std::string_view why) {
    return {.verdict = Verdict::kReject, .event = std::move(event_), .why = why};
  }

  // False: a field that we need holds something else than it should.
  bool Field(const JsonSpan& key, const JsonSpan& value) {
    if (key.Is("hook_event_name")) {
      native_ = value;
      return !value.present() || value.is_string();
    }
    if (key.Is("tool_input")) {
      input_ = value;
      return true;
    }
    if (key.Is("tool_response")) {
      response_ = value;
      return true;
    }
    if (key.Is("tool_name")) event_.tool = ToolOf(value);
    for (const TextField& field : kTexts) {
      if (!key.Is(field.key) || !value.present()) continue;
      event_.*field.member = value.ToString();
      return value.is_string();
    }
    return true;
  }

  // Known by now to be of no interest.
  [[nodiscard]] bool Settled() const {
    if (native_.is_string() && Event() == nullptr) return true;
    const bool tool_event = Event() != nullptr && Event()->type == EventType::kPostToolUse;
    if (!tool_event || event_.tool_name.empty()) return false;
    if (event_.tool == ToolKind::kOther) return true;
    // Escaped or not, a path that ends otherwise is not a skill's file.
    return event_.tool == ToolKind::kRead && input_.is_object() &&
           input_.text.find("SKILL.md") == std::string_view::npos && !input_has_escapes();
  }
  [[nodiscard]] bool input_has_escapes() const {
    return input_.text.find("\\u") != std::string_view::npos;
  }

  // The event by its name, else by the handler that was asked; nullptr: none
  // of ours, or not the one that was asked.
  [[nodiscard]] const NativeEvent* Event() const {
    for (const NativeEvent& event : kEvents) {
      const bool named = native_.is_string() && native_.Is(event.native);
      const bool asked = event.handler == handler_;
      if (native_.is_string() ? named && (asked || handler_.empty()) : asked) return &event;
    }
    return nullptr;
  }

  Parsed Conclude() {
    const NativeEvent* const native = Event();
    if (native == nullptr) {
      // Nobody said what it is.
      return native_.is_string() ? Parsed{} : Reject("no_event");
    }
    event_.type = native->type;
    if (native->type == EventType::kPostToolUse && !Tool()) return Reject("wrong_type");
    // A finished background task comes as a prompt that nobody typed.
    if (event_.prompt.starts_with("<task-notification>")) return {};
    if (native->type != EventType::kPromptSubmit) event_.prompt.clear();
    return {.verdict = Verdict::kUse, .event = std::move(event_)};
  }

  // What was called, and whether it worked.
  bool Tool() {
    if (event_.tool == ToolKind::kOther) return true;
    if (!input_.is_object()) return false;
    JsonScan input(input_.text);
    bool named = false;
    while (input.Next()) {
      const JsonSpan& value = input.value();
      // The first releases called the skill `command`.
      const bool by_name = input.key().Is("skill");
      if (event_.tool == ToolKind::kSkill && (by_name || input.key().Is("command"))) {
        if (named && !by_name) continue;
        if (!value.is_string()) return false;
        event_.skill = value.ToString();
        named = by_name;
      } else if (event_.tool == ToolKind::kSkill && input.key().Is("args")) {
        if (value.is_string()) event_.args = value.ToString();
      } else if (event_.tool == ToolKind::kRead && input.key().Is("file_path")) {
        if (!value.is_string()) return false;
        event_.path = value.ToString();
      }
    }
    JsonScan response(response_.is_object() ? response_.text : std::string_view("{}"));
    while (response.Next()) {
      if (response.key().Is("success")) event_.tool_failed = response.value().IsFalse();
    }
    return true;
  }

  JsonScan scan_;
  bool empty_;
  std::string_view handler_;
  JsonSpan native_, input_, response_;
  HookEvent event_;
};

Parsed Parse(std::string_view payload, std::string_view handler) {
  return Reader(payload, handler).Read();
}

// Claude Code takes an empty answer for "go on".
std::string Render(const hooks::Response& response, EventType type) {
  if (response.context.empty() || type != EventType::kPromptSubmit) return "";
  base::JsonWriter out;
  out.BeginObject()
      .Key("hookSpecificOutput")
      .BeginObject()
      .Field("hookEventName", "UserPromptSubmit")
      .Field("additionalContext", response.context)
      .EndObject()
      .EndObject();
  return std::move(out).Take();
}

}  // namespace

constinit const hooks::Host kClaudeCodeHooks = {
    .platform = "claude_code",
    .command = "claude",
    .subscriptions = kSubscriptions,
    .parse = Parse,
    .render = Render,
};

}  // namespace selftune::hosts
