#include "hosts/pi/record.h"

#include <string>

#include "base/status_macros.h"

namespace selftune::hosts::pi {
namespace {

using base::JsonField;

RawText Token(JsonField& value) { return RawText(value.RawJson()); }

void ReadUsage(JsonField& value, Usage& usage) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    usage.present = true;
    if (key == "input") {
      usage.input = field.Int().value_or(0);
    } else if (key == "output") {
      usage.output = field.Int().value_or(0);
    } else if (key == "cacheRead") {
      usage.cache_read = field.Int().value_or(0);
    } else if (key == "cacheWrite") {
      usage.cache_write = field.Int().value_or(0);
    } else if (key == "reasoning") {
      usage.has_reasoning = true;
      usage.reasoning = field.Int().value_or(0);
    }
  });
}

void ReadBlock(JsonField& value, Record& record) {
  RawText type, text;
  Call call;
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "type") {
      type = Token(field);
    } else if (key == "text") {
      text = Token(field);
    } else if (key == "id") {
      call.id = Token(field);
    } else if (key == "name") {
      call.name = Token(field);
    } else if (key == "arguments") {
      ReadToolArgs(field, call.args);
    }
  });
  if (type.Is("toolCall")) {
    record.calls.push_back(std::move(call));
  } else if (type.Is("text") && text.present()) {
    record.texts.push_back(text);
  }
}

void ReadContent(JsonField& value, Record& record) {
  record.has_content = true;
  if (value.type() == JsonField::Type::kString) {
    record.texts.emplace_back(value.RawJson());
    return;
  }
  value.ForEachItem([&](JsonField& item) { ReadBlock(item, record); });
}

void ReadSystem(std::string_view key, JsonField& field, Sections& sections) {
  if (key == "replace") {
    sections.replaces = field.Bool().value_or(false);
  } else if (key == "sections") {
    sections.present = true;
    field.ForEachField([&](std::string_view name, JsonField& section) {
      if (name != "skills") return;
      if (section.IsNull()) {
        sections.removes_skills = true;
      } else {
        sections.skills = Token(section);
      }
    });
  }
}

Kind KindOfRole(const RawText& role) {
  if (role.Is("user")) return Kind::kUser;
  if (role.Is("assistant")) return Kind::kAssistant;
  if (role.Is("toolResult")) return Kind::kToolResult;
  if (role.Is("system")) return Kind::kSystem;
  const bool known = role.Is("bashExecution") || role.Is("custom") || role.Is("hookMessage") ||
                     role.Is("branchSummary") || role.Is("compactionSummary");
  return known ? Kind::kIgnored : Kind::kUnknown;
}

void ReadMessage(JsonField& value, Record& record) {
  RawText role;
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "role") {
      role = Token(field);
    } else if (key == "content") {
      ReadContent(field, record);
    } else if (key == "provider") {
      record.provider = Token(field);
    } else if (key == "model") {
      record.model = Token(field);
    } else if (key == "responseModel") {
      record.response_model = Token(field);
    } else if (key == "usage") {
      ReadUsage(field, record.usage);
    } else if (key == "stopReason") {
      record.stop_reason = Token(field);
    } else if (key == "errorMessage") {
      record.error_message = Token(field);
    } else if (key == "toolCallId") {
      record.tool_call_id = Token(field);
    } else if (key == "toolName") {
      record.tool_name = Token(field);
    } else if (key == "isError") {
      record.is_error = field.Bool().value_or(false);
    } else {
      ReadSystem(key, field, record.sections);
    }
  });
  record.kind = KindOfRole(role);
}

Kind KindOfType(const RawText& type) {
  if (type.Is("session")) return Kind::kHeader;
  if (type.Is("model_change")) return Kind::kModelChange;
  if (type.Is("compaction")) return Kind::kCompaction;
  if (type.Is("branch_summary") || type.Is("usage")) return Kind::kOverhead;
  for (const std::string_view known : {"thinking_level_change", "context_edit", "custom_message",
                                       "custom", "label", "session_info"}) {
    if (type.Is(known)) return Kind::kIgnored;
  }
  return Kind::kUnknown;
}

void ReadTop(std::string_view key, JsonField& value, Record& record) {
  if (key == "id") {
    record.id = Token(value);
  } else if (key == "parentId") {
    record.parent = Token(value);
  } else if (key == "timestamp") {
    record.timestamp = Token(value);
  } else if (key == "message") {
    ReadMessage(value, record);
  } else if (key == "version") {
    record.version = value.Int().value_or(0);
  } else if (key == "cwd") {
    record.cwd = Token(value);
  } else if (key == "parentSession") {
    record.parent_session = Token(value);
  } else if (key == "provider") {
    record.provider = Token(value);
  } else if (key == "modelId") {
    record.model = Token(value);
  } else if (key == "usage") {
    ReadUsage(value, record.usage);
  } else if (key == "systemMessage") {
    value.ForEachField(
        [&](std::string_view name, JsonField& field) { ReadSystem(name, field, record.sections); });
  }
}

}  // namespace

std::optional<UtcMillis> Record::at() const { return ParseRfc3339(timestamp.escaped()); }

Status DecodeRecord(std::string_view line, base::LineParser& parser, Record& record) {
  record = Record();
  RawText type;
  ST_RETURN_IF_ERROR(parser.ForEachField(line, [&](std::string_view key, JsonField& value) {
    if (key == "type") {
      type = Token(value);
    } else {
      ReadTop(key, value, record);
    }
  }));
  if (!type.Is("message")) record.kind = KindOfType(type);
  return absl::OkStatus();
}

}  // namespace selftune::hosts::pi
