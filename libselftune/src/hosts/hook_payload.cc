#include "hosts/hook_payload.h"

#include <charconv>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/json_scan.h"
#include "base/json_writer.h"

namespace selftune::hosts {
namespace {

using base::JsonScan;
using base::JsonSpan;
using hooks::EventType;
using hooks::HookEvent;
using hooks::Parsed;
using hooks::ToolKind;
using Verdict = hooks::Parsed::Verdict;

// Reads one payload. Fields come in any order; what is not known is skipped.
class Reader {
 public:
  Reader(const PayloadWords& words, std::string_view payload, std::string_view handler)
      : words_(words),
        scan_(payload),
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

  static bool OfTool(EventType type) {
    return type == EventType::kPostToolUse || type == EventType::kPreToolUse;
  }

  [[nodiscard]] ToolKind ToolOf(const JsonSpan& name) const {
    if (!words_.skill_tool.empty() && name.Is(words_.skill_tool)) return ToolKind::kSkill;
    if (!words_.read_tool.empty() && name.Is(words_.read_tool)) return ToolKind::kRead;
    if (!words_.shell_tool.empty() && name.Is(words_.shell_tool)) return ToolKind::kShell;
    if (!words_.patch_tool.empty() && name.Is(words_.patch_tool)) return ToolKind::kWrite;
    for (const std::string_view tool : words_.write_tools) {
      if (name.Is(tool)) return ToolKind::kWrite;
    }
    return ToolKind::kOther;
  }

  // False: a field that we need holds something else than it should.
  bool Field(const JsonSpan& key, const JsonSpan& value) {
    if (key.Is("hook_event_name")) {
      native_ = value;
      return !value.present() || value.is_string();
    }
    if (key.Is(words_.keys.input)) {
      input_ = value;
      return true;
    }
    if (key.Is(words_.keys.response)) {
      response_ = value;
      return true;
    }
    if (key.Is("duration_ms")) {
      duration_ = value;
      return true;
    }
    if (key.Is("error")) error_ = value;
    if (key.Is("stop_hook_active")) event_.goes_on = value.IsTrue();
    if (key.Is(words_.keys.name)) event_.tool = ToolOf(value);
    for (const PayloadText& field : words_.texts) {
      if (!key.Is(field.key) || !value.present()) continue;
      event_.*field.member = value.ToString();
      return value.is_string();
    }
    return true;
  }

  // Known by now to be of no interest.
  [[nodiscard]] bool Settled() const {
    if (native_.is_string() && Event() == nullptr) return true;
    const NativeEvent* const native = Event();
    if (native == nullptr || !OfTool(native->type) || event_.tool_name.empty()) return false;
    if (event_.tool == ToolKind::kOther) return true;
    // A text that is written may name any file: only the path counts, further down.
    const bool before = native->type == EventType::kPreToolUse;
    if (event_.tool == ToolKind::kShell) {
      if (before && !words_.shell_is_guarded) return true;
      return input_.is_object() &&
             input_.text.find(before ? "SKILL.md" : "git") == std::string_view::npos &&
             !input_has_escapes();
    }
    if (before != (event_.tool == ToolKind::kWrite)) return true;
    // Escaped or not, a path that ends otherwise is not a skill's file.
    return event_.tool != ToolKind::kSkill && input_.is_object() &&
           input_.text.find("SKILL.md") == std::string_view::npos && !input_has_escapes();
  }
  [[nodiscard]] bool input_has_escapes() const {
    return input_.text.find("\\u") != std::string_view::npos;
  }

  // The event by its name, else by the handler that was asked; nullptr: none
  // of ours, or not the one that was asked.
  [[nodiscard]] const NativeEvent* Event() const {
    for (const NativeEvent& event : words_.events) {
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
    if (words_.agents_are_sessions) event_.agent_session = event_.agent_id;
    if (native->type != EventType::kSkillCommand) event_.skill.clear();
    if (OfTool(native->type) && !Tool()) return Reject("wrong_type");
    event_.tool_failed = event_.tool_failed || native->failed;
    // A finished background task comes as a prompt that nobody typed.
    if (event_.prompt.starts_with("<task-notification>")) return {};
    // Nobody types into a subagent: its task comes from its parent.
    const bool typed =
        native->type == EventType::kPromptSubmit || native->type == EventType::kSkillCommand;
    if (typed && !event_.agent_id.empty()) return {};
    // Told apart from what the transcript says by its id only.
    if (words_.needs_call_id && native->type == EventType::kPostToolUse &&
        event_.tool != ToolKind::kShell && event_.tool_call_id.empty()) {
      return {};
    }
    if (!typed) event_.prompt.clear();
    return {.verdict = Verdict::kUse, .event = std::move(event_)};
  }

  [[nodiscard]] bool NamesFile(const JsonSpan& key) const {
    return key.Is(words_.path_key) || (!words_.notebook_key.empty() && key.Is(words_.notebook_key));
  }

  // A call with a command line or a patch in its input.
  bool Command() {
    JsonScan input(input_.text);
    while (input.Next()) {
      // A list of words is how the first releases of Codex wrote it: no text, no interest.
      if (input.key().Is("command") && input.value().is_string()) {
        event_.command = input.value().ToString();
      } else if (input.key().Is(words_.path_key) && input.value().is_string()) {
        event_.path = input.value().ToString();
      }
    }
    if (duration_.kind == JsonSpan::Kind::kNumber) {
      int64_t ms = 0;
      const char* const begin = duration_.text.data();
      const char* const end = begin + duration_.text.size();
      if (std::from_chars(begin, end, ms).ec == std::errc()) {
        event_.duration_ms = ms;
      }
    }
    if (response_.is_string()) event_.output = response_.ToString();
    if (error_.is_string()) event_.output += error_.ToString();
    JsonScan response(response_.is_object() ? response_.text : std::string_view("{}"));
    while (response.Next()) {
      for (const std::string_view key : {"stdout", "llmContent", "textResultForLlm"}) {
        if (response.key().Is(key)) event_.output += response.value().ToString();
      }
    }
    return true;
  }

  // What was called, and whether it worked.
  bool Tool() {
    if (event_.tool == ToolKind::kOther) return true;
    // Some releases send it as a text that holds the object.
    if (input_.is_string() && words_.input_may_be_text) {
      inner_ = input_.ToString();
      JsonScan whole(inner_);
      while (whole.Next()) {
      }
      if (whole.complete()) input_ = {.kind = JsonSpan::Kind::kObject, .text = inner_};
    }
    if (!input_.is_object()) return false;
    if (event_.tool == ToolKind::kShell || event_.tool_name == words_.patch_tool) return Command();
    JsonScan input(input_.text);
    bool named = false;
    while (input.Next()) {
      const JsonSpan& value = input.value();
      // The first releases called the skill `command`.
      const bool by_name = input.key().Is(words_.skill_key);
      if (event_.tool == ToolKind::kSkill && (by_name || input.key().Is("command"))) {
        if (named && !by_name) continue;
        if (!value.is_string()) return false;
        event_.skill = value.ToString();
        named = by_name;
      } else if (event_.tool == ToolKind::kSkill && input.key().Is("args")) {
        if (value.is_string()) event_.args = value.ToString();
      } else if (event_.tool != ToolKind::kSkill && NamesFile(input.key())) {
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

  const PayloadWords& words_;
  JsonScan scan_;
  bool empty_;
  std::string_view handler_;
  JsonSpan native_, input_, response_, duration_, error_;
  std::string inner_;  // of an input that is a text
  HookEvent event_;
};

}  // namespace

Parsed ParsePayload(const PayloadWords& words, std::string_view payload, std::string_view handler) {
  return Reader(words, payload, handler).Read();
}

std::string RenderContext(const hooks::Response& response, std::string_view native) {
  if (response.context.empty() || native.empty()) return "";
  base::JsonWriter out;
  out.BeginObject().Key("hookSpecificOutput").BeginObject().Field("hookEventName", native);
  if (response.deny) {
    out.Field("permissionDecision", "deny").Field("permissionDecisionReason", response.context);
  } else {
    out.Field("additionalContext", response.context);
  }
  out.EndObject().EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::hosts
