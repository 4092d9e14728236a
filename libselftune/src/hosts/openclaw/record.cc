#include "hosts/openclaw/record.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/status_macros.h"
#include "ingest/facts.h"

namespace selftune::hosts::openclaw {
namespace {

using base::JsonField;

// The string token of a value, absent for another type.
RawText Token(JsonField& value) {
  if (value.type() != JsonField::Type::kString) return {};
  return RawText(value.RawJson());
}

int64_t Count(JsonField& value) {
  return std::clamp<int64_t>(value.Int().value_or(0), 0, ingest::kMaxFigure);
}

void ReadUsage(JsonField& value, Usage& usage) {
  usage.present = value.type() == JsonField::Type::kObject;
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "input") usage.input = Count(field);
    if (key == "output") usage.output = Count(field);
    if (key == "cacheRead") usage.cache_read = Count(field);
    if (key == "cacheWrite") usage.cache_write = Count(field);
    if (key == "reasoningTokens" || key == "reasoning") {
      usage.has_reasoning = true;
      usage.reasoning = Count(field);
    }
  });
}

void ReadBlock(JsonField& value, Record& record) {
  RawText type, text;
  Call call;
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "type") type = Token(field);
    if (key == "text") text = Token(field);
    if (key == "id") call.id = Token(field);
    if (key == "name") call.name = Token(field);
    if (key == "arguments") ReadToolArgs(field, call.args);
  });
  if (type.Is("toolCall")) record.calls.push_back(std::move(call));
  if (type.Is("text") && text.present()) record.texts.push_back(text);
}

void ReadDetails(JsonField& value, Record& record) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "status") record.status = Token(field);
    if (key == "exitCode") record.exit_code = field.Int();
    if (key == "childSessionKey") record.child_key = Token(field);
  });
}

Kind KindOfRole(const RawText& role) {
  if (role.Is("user")) return Kind::kUser;
  if (role.Is("assistant")) return Kind::kAssistant;
  if (role.Is("toolResult")) return Kind::kToolResult;
  static constexpr std::array<std::string_view, 6> kKnown = {
      "system", "bashExecution", "custom", "hookMessage", "branchSummary", "compactionSummary"};
  const bool known = std::any_of(kKnown.begin(), kKnown.end(),
                                 [&](std::string_view name) { return role.Is(name); });
  return known ? Kind::kIgnored : Kind::kUnknown;
}

void ReadContent(JsonField& value, Record& record) {
  if (value.type() == JsonField::Type::kString) {
    record.texts.emplace_back(value.RawJson());
  } else {
    value.ForEachItem([&](JsonField& item) { ReadBlock(item, record); });
  }
}

void ReadMessage(JsonField& value, Record& record) {
  RawText role;
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "role") role = Token(field);
    if (key == "content") ReadContent(field, record);
    if (key == "provider") record.provider = Token(field);
    if (key == "model") record.model = Token(field);
    if (key == "usage") ReadUsage(field, record.usage);
    if (key == "stopReason") record.stop_reason = Token(field);
    if (key == "errorMessage") record.error_message = Token(field);
    if (key == "toolCallId") record.tool_call_id = Token(field);
    if (key == "toolName") record.tool_name = Token(field);
    if (key == "isError") record.is_error = field.Bool().value_or(false);
    if (key == "details") ReadDetails(field, record);
    if (key != "provenance") return;
    field.ForEachField([&](std::string_view name, JsonField& text) {
      if (name == "kind") record.provenance = Token(text);
    });
  });
  record.kind = KindOfRole(role);
}

Kind KindOfType(const RawText& type) {
  if (type.Is("session")) return Kind::kHeader;
  if (type.Is("compaction")) return Kind::kCompaction;
  if (type.Is("branch_summary")) return Kind::kBranchSummary;
  static constexpr std::array<std::string_view, 8> kKnown = {
      "model_change", "thinking_level_change", "custom", "custom_message", "reset", "label",
      "leaf",         "session_info"};
  const bool known = std::any_of(kKnown.begin(), kKnown.end(),
                                 [&](std::string_view name) { return type.Is(name); });
  return known ? Kind::kIgnored : Kind::kUnknown;
}

}  // namespace

std::optional<UtcMillis> Record::at() const { return ParseRfc3339(timestamp.escaped()); }

Status DecodeRecord(std::string_view text, base::LineParser& parser, Record& record) {
  record = Record();
  RawText type;
  ST_RETURN_IF_ERROR(parser.ForEachField(text, [&](std::string_view key, JsonField& value) {
    if (key == "type") type = Token(value);
    if (key == "id") record.id = Token(value);
    if (key == "parentId") record.parent = Token(value);
    if (key == "timestamp") record.timestamp = Token(value);
    if (key == "version") record.version = Count(value);
    if (key == "cwd") record.cwd = Token(value);
    if (key == "usage") ReadUsage(value, record.usage);
    if (key == "message") ReadMessage(value, record);
  }));
  if (!type.Is("message")) record.kind = KindOfType(type);
  return absl::OkStatus();
}

}  // namespace selftune::hosts::openclaw
