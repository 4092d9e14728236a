#include "hosts/opencode/record.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/status_macros.h"
#include "hosts/common/raw_text.h"
#include "hosts/common/shell_skills.h"

namespace selftune::hosts::opencode {
namespace {

using base::JsonField;

constexpr size_t kDetailBytes = 400;
constexpr std::string_view kSkillTool = "skill";

void Take(JsonField& value, std::string& out) {
  if (const auto text = value.String(); text.has_value()) out = *text;
}

std::optional<UtcMillis> TakeTime(JsonField& value) {
  if (const auto whole = value.Int(); whole.has_value()) return UtcMillis{*whole};
  return std::nullopt;
}

int64_t TakeCount(JsonField& value) { return std::max<int64_t>(value.Int().value_or(0), 0); }

void TakeTokens(JsonField& value, Tokens& out) {
  out.present = value.type() == JsonField::Type::kObject;
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "input") out.input = TakeCount(field);
    if (key == "output") out.output = TakeCount(field);
    if (key == "reasoning") out.reasoning = TakeCount(field);
    if (key != "cache") return;
    field.ForEachField([&](std::string_view name, JsonField& count) {
      if (name == "read") out.cache_read = TakeCount(count);
      if (name == "write") out.cache_write = TakeCount(count);
    });
  });
}

void TakeError(JsonField& value, MessageRow& out) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "name") Take(field, out.error);
    if (key != "data") return;
    field.ForEachField([&](std::string_view name, JsonField& text) {
      if (name == "message") out.details = RawText(text.RawJson()).Prefix(kDetailBytes);
    });
  });
  if (out.error.empty()) out.error = "unknown";
}

void TakeMessageTime(JsonField& value, MessageRow& out) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "created") out.created = TakeTime(field);
    if (key == "completed") out.completed = TakeTime(field);
  });
}

void MessageField(std::string_view key, JsonField& value, MessageRow& out) {
  if (key == "id") Take(value, out.id);
  if (key == "parentID") Take(value, out.parent);
  if (key == "agent" || (key == "mode" && out.agent.empty())) Take(value, out.agent);
  if (key == "modelID") Take(value, out.model);
  if (key == "providerID") Take(value, out.provider);
  if (key == "finish") Take(value, out.finish);
  if (key == "time") TakeMessageTime(value, out);
  if (key == "tokens") TakeTokens(value, out.tokens);
  if (key == "error" && !value.IsNull()) TakeError(value, out);
  // Of a user message it is an object (a generated title, changed files).
  if (key == "summary") out.summary = value.Bool().value_or(false);
  if (key == "role") {
    const auto role = value.String();
    if (role == "user") out.role = Role::kUser;
    if (role == "assistant") out.role = Role::kAssistant;
  }
  if (key == "path") {
    value.ForEachField([&](std::string_view name, JsonField& path) {
      if (name == "cwd") Take(path, out.cwd);
    });
  }
}

PartType TypeOf(std::string_view name) {
  struct Name {
    std::string_view name;
    PartType type;
  };
  static constexpr std::array<Name, 12> kTypes = {{
      {"text", PartType::kText},
      {"reasoning", PartType::kReasoning},
      {"tool", PartType::kTool},
      {"step-start", PartType::kStepStart},
      {"step-finish", PartType::kStepFinish},
      {"compaction", PartType::kCompaction},
      {"subtask", PartType::kSubtask},
      {"patch", PartType::kIgnored},
      {"file", PartType::kIgnored},
      {"agent", PartType::kIgnored},
      {"retry", PartType::kIgnored},
      {"snapshot", PartType::kIgnored},
  }};
  for (const Name& type : kTypes) {
    if (type.name == name) return type.type;
  }
  return PartType::kUnknown;
}

ToolStatus StatusOf(std::string_view word) {
  if (word == "pending" || word == "running") return ToolStatus::kOpen;
  if (word == "completed") return ToolStatus::kCompleted;
  return word == "error" ? ToolStatus::kError : ToolStatus::kUnknown;
}

// Texts as they stand in the document; which are wanted only the type tells,
// and that may come last.
struct RawPart {
  RawText text, error, output, command, patch;
};

void TakeInput(JsonField& value, RawPart& raw, Part& out) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "name") Take(field, out.name);
    if (key == "filePath" || (key == "path" && out.file.empty())) Take(field, out.file);
    if (key == "workdir") Take(field, out.workdir);
    if (key == "command") raw.command = RawText(field.RawJson());
    if (key == "patchText") raw.patch = RawText(field.RawJson());
  });
}

void TakeMetadata(JsonField& value, Part& out) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "name") Take(field, out.loaded);
    if (key == "dir") Take(field, out.dir);
    if (key == "exit") out.exit = field.Int();
    if (key == "sessionId" || key == "sessionID") Take(field, out.child);
  });
}

void TakeState(JsonField& value, RawPart& raw, Part& out) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "status") out.status = StatusOf(field.String().value_or(std::string_view()));
    if (key == "input") TakeInput(field, raw, out);
    if (key == "metadata") TakeMetadata(field, out);
    if (key == "output") raw.output = RawText(field.RawJson());
    if (key == "error") raw.error = RawText(field.RawJson());
    if (key != "time") return;
    field.ForEachField([&](std::string_view name, JsonField& time) {
      if (name == "start") out.started = TakeTime(time);
      if (name == "end") out.ended = TakeTime(time);
    });
  });
}

// The host ends the output of a command that a person stopped with a note.
bool SaysCutShort(const RawText& output) {
  constexpr std::string_view kNote = "<shell_metadata>";
  constexpr std::string_view kStopped = "User aborted the command";
  const std::string_view text = output.escaped();
  // Forwards by memchr; backwards each byte is looked at, which this spares most outputs.
  if (text.find(kStopped) == std::string_view::npos) return false;
  const size_t note = text.rfind(kNote);
  return note != std::string_view::npos && text.find(kStopped, note) != std::string_view::npos;
}

void Finish(const RawPart& raw, const Wanted& wanted, Part& out) {
  out.has_text = !raw.text.empty();
  if (out.type == PartType::kText && wanted.text) out.text = raw.text.ToString();
  if (out.type == PartType::kSubtask) out.text = raw.command.ToString();
  if (out.type != PartType::kTool) return;
  out.text = raw.error.Prefix(kDetailBytes);
  if (MayTouchSkill(raw.command.escaped())) out.command = raw.command.ToString();
  if (MayTouchSkill(raw.patch.escaped())) out.patch = raw.patch.ToString();
  if (out.tool == kSkillTool || !out.command.empty()) out.output = raw.output.ToString();
  out.cut_short = SaysCutShort(raw.output) || raw.error.StartsWith("Tool execution aborted");
}

void SessionField(std::string_view key, JsonField& value, SessionRow& out) {
  if (key == "id") Take(value, out.id);
  if (key == "projectID") Take(value, out.project);
  if (key == "parentID") Take(value, out.parent);
  if (key == "directory") Take(value, out.directory);
  if (key == "title") Take(value, out.title);
  if (key == "version") Take(value, out.version);
  if (key == "revert") {
    value.ForEachField([&](std::string_view name, JsonField& field) {
      if (name == "messageID") Take(field, out.revert);
    });
  }
  if (key == "time") {
    value.ForEachField([&](std::string_view name, JsonField& field) {
      if (name == "created") out.created = TakeTime(field);
      if (name == "archived") out.archived = field.Int().has_value();
    });
  }
  if (key == "permission") {
    out.from_run = MadeByRun(value.RawJson());
    out.may_be_run = false;
  }
}

}  // namespace

Status ParseMessage(std::string_view json, base::LineParser& parser, MessageRow& out) {
  return parser.ForEachField(
      json, [&](std::string_view key, JsonField& value) { MessageField(key, value, out); });
}

Status ParsePart(std::string_view json, const Wanted& wanted, base::LineParser& parser, Part& out) {
  RawPart raw;
  ST_RETURN_IF_ERROR(parser.ForEachField(json, [&](std::string_view key, JsonField& value) {
    if (key == "id") Take(value, out.id);
    if (key == "type") out.type = TypeOf(value.String().value_or(std::string_view()));
    if (key == "tool") Take(value, out.tool);
    if (key == "callID") Take(value, out.call_id);
    if (key == "synthetic" || key == "ignored") {
      out.synthetic = out.synthetic || value.Bool().value_or(false);
    }
    if (key == "text") raw.text = RawText(value.RawJson());
    if (key == "command") raw.command = RawText(value.RawJson());
    if (key == "tokens") TakeTokens(value, out.tokens);
    if (key == "state") TakeState(value, raw, out);
  }));
  Finish(raw, wanted, out);
  return absl::OkStatus();
}

Status ParseSession(std::string_view json, base::LineParser& parser, SessionRow& out) {
  out.may_be_run = true;
  return parser.ForEachField(
      json, [&](std::string_view key, JsonField& value) { SessionField(key, value, out); });
}

bool MadeByRun(std::string_view permission) {
  // `run` cannot ask: [{"permission":"question","pattern":"*","action":"deny"}, ...].
  return permission.find("\"question\"") != std::string_view::npos &&
         permission.find("\"plan_exit\"") != std::string_view::npos &&
         permission.find("\"deny\"") != std::string_view::npos;
}

}  // namespace selftune::hosts::opencode
