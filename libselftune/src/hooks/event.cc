#include "hooks/event.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_scan.h"
#include "base/json_writer.h"

namespace selftune::hooks {
namespace {

using base::JsonScan;
using base::JsonSpan;
using base::JsonWriter;

struct TypeWord {
  EventType type;
  std::string_view word;
};
constexpr TypeWord kTypes[] = {
    {EventType::kPromptSubmit, "prompt_submit"}, {EventType::kPreToolUse, "pre_tool_use"},
    {EventType::kPostToolUse, "post_tool_use"},  {EventType::kSkillCommand, "skill_command"},
    {EventType::kTurnEnd, "turn_end"},           {EventType::kAgentStart, "agent_start"},
    {EventType::kAgentEnd, "agent_end"},         {EventType::kSessionEnd, "session_end"},
    {EventType::kRejected, "rejected"},
};

struct ToolWord {
  ToolKind tool;
  std::string_view word;
};
constexpr ToolWord kTools[] = {{ToolKind::kSkill, "skill"},
                               {ToolKind::kRead, "read"},
                               {ToolKind::kWrite, "write"},
                               {ToolKind::kShell, "shell"}};

struct TextField {
  std::string_view key;
  std::string HookEvent::* member;
};
constexpr TextField kTexts[] = {
    {"platform", &HookEvent::platform},
    {"session_id", &HookEvent::session_id},
    {"agent_id", &HookEvent::agent_id},
    {"agent_type", &HookEvent::agent_type},
    {"agent_session", &HookEvent::agent_session},
    {"prompt_id", &HookEvent::prompt_id},
    {"cwd", &HookEvent::cwd},
    {"transcript_path", &HookEvent::transcript_path},
    {"prompt", &HookEvent::prompt},
    {"tool_name", &HookEvent::tool_name},
    {"tool_call_id", &HookEvent::tool_call_id},
    {"skill", &HookEvent::skill},
    {"path", &HookEvent::path},
    {"command", &HookEvent::command},
    {"output", &HookEvent::output},
    {"reason", &HookEvent::reason},
    {"handler", &HookEvent::handler},
    {"excerpt", &HookEvent::excerpt},
};

std::optional<int64_t> ToInt(const JsonSpan& value) {
  if (value.kind != JsonSpan::Kind::kNumber) return std::nullopt;
  int64_t number = 0;
  const char* const begin = value.text.data();
  const char* const end = begin + value.text.size();
  const auto parsed = std::from_chars(begin, end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

constexpr struct {
  std::string_view key;
  std::string Commit::* member;
} kCommitTexts[] = {
    {"title", &Commit::title}, {"branch", &Commit::branch}, {"remote", &Commit::remote}};

// {"<sha>": {"title","branch","remote","at_ms"}, ...}
bool ReadCommits(const JsonSpan& value, std::vector<Commit>& out) {
  if (!value.is_object()) return false;
  JsonScan list(value.text);
  while (list.Next()) {
    if (!list.value().is_object()) return false;
    Commit commit{.sha = list.key().ToString()};
    JsonScan fields(list.value().text);
    while (fields.Next()) {
      for (const auto& text : kCommitTexts) {
        if (fields.key().Is(text.key)) commit.*text.member = fields.value().ToString();
      }
      if (fields.key().Is("at_ms")) commit.at_ms = ToInt(fields.value()).value_or(0);
    }
    out.push_back(std::move(commit));
  }
  return list.complete();
}

void WriteCommits(const std::vector<Commit>& commits, JsonWriter& out) {
  out.Key("commits").BeginObject();
  for (const Commit& commit : commits) {
    out.Key(commit.sha).BeginObject();
    for (const auto& text : kCommitTexts) {
      if (!(commit.*text.member).empty()) out.Field(text.key, commit.*text.member);
    }
    out.Field("at_ms", commit.at_ms).EndObject();
  }
  out.EndObject();
}

// False: the key is one of ours and the value is not what it holds.
bool SetField(HookEvent& event, const JsonSpan& key, const JsonSpan& value, bool& typed) {
  if (!value.present()) return true;
  for (const TextField& field : kTexts) {
    if (!key.Is(field.key)) continue;
    event.*field.member = value.ToString();
    return value.is_string();
  }
  if (key.Is("type")) {
    for (const TypeWord& known : kTypes) {
      if (!value.Is(known.word)) continue;
      event.type = known.type;
      typed = true;
    }
    return typed;
  }
  if (key.Is("tool")) {
    for (const ToolWord& known : kTools) {
      if (value.Is(known.word)) event.tool = known.tool;
    }
    return value.is_string();
  }
  if (key.Is("args")) {
    event.args = value.ToString();
    return value.is_string();
  }
  if (key.Is("transcript_bytes")) {
    event.transcript_bytes = ToInt(value);
    return event.transcript_bytes.has_value();
  }
  if (key.Is("duration_ms")) {
    event.duration_ms = ToInt(value);
    return event.duration_ms.has_value();
  }
  if (key.Is("commits")) return ReadCommits(value, event.commits);
  if (key.Is("tool_failed")) event.tool_failed = value.IsTrue();
  return true;
}

}  // namespace

std::string_view Word(EventType type) {
  for (const TypeWord& known : kTypes) {
    if (known.type == type) return known.word;
  }
  return "";
}

std::string ToJson(const HookEvent& event) {
  JsonWriter out;
  out.BeginObject().Field("type", Word(event.type));
  for (const TextField& field : kTexts) {
    const std::string& text = event.*field.member;
    if (!text.empty()) out.Field(field.key, text);
  }
  if (event.transcript_bytes.has_value()) out.Field("transcript_bytes", *event.transcript_bytes);
  for (const ToolWord& known : kTools) {
    if (known.tool == event.tool) out.Field("tool", known.word);
  }
  if (event.args.has_value()) out.Field("args", *event.args);
  if (event.duration_ms.has_value()) out.Field("duration_ms", *event.duration_ms);
  if (event.tool_failed) out.Field("tool_failed", true);
  if (!event.commits.empty()) WriteCommits(event.commits, out);
  out.EndObject();
  return std::move(out).Take();
}

std::optional<HookEvent> FromJson(std::string_view json) {
  HookEvent event;
  bool typed = false;
  JsonScan scan(json);
  while (scan.Next()) {
    if (!SetField(event, scan.key(), scan.value(), typed)) return std::nullopt;
  }
  if (!scan.complete() || !typed) return std::nullopt;
  return event;
}

bool IsPlatform(std::string_view name) {
  if (name.empty() || name.size() > 32 || name[0] < 'a' || name[0] > 'z') return false;
  for (const char c : name) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    if (!fine) return false;
  }
  return true;
}

}  // namespace selftune::hooks
