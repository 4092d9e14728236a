#include "hosts/gemini/record.h"

#include "base/status_macros.h"

namespace selftune::hosts::gemini {
namespace {

using base::JsonField;

RawText Token(JsonField& value) { return RawText(value.RawJson()); }

void ReadTokens(JsonField& value, Tokens& tokens) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    tokens.present = true;
    if (key == "input") {
      tokens.input = field.Int().value_or(0);
    } else if (key == "output") {
      tokens.output = field.Int().value_or(0);
    } else if (key == "cached") {
      tokens.cached = field.Int().value_or(0);
    } else if (key == "thoughts") {
      tokens.thoughts = field.Int().value_or(0);
    }
  });
}

void ReadToolCall(JsonField& value, ToolCall& call) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "id") {
      call.id = Token(field);
    } else if (key == "name") {
      call.name = Token(field);
    } else if (key == "args") {
      ReadToolArgs(field, call.args);
    } else if (key == "status") {
      call.status = Token(field);
    } else if (key == "timestamp") {
      call.timestamp = Token(field);
    } else if (key == "resultDisplay") {
      call.display = Token(field);
    } else if (key == "agentId") {
      call.agent_id = Token(field);
    } else if (key == "result") {
      std::vector<GenAiPart> parts;
      ReadGenAiParts(field, parts);
      for (const GenAiPart& part : parts) {
        if (part.kind != GenAiPart::Kind::kResponse) continue;
        call.output = part.output;
        call.error = part.error;
        break;
      }
    }
  });
}

bool ReadMessageField(std::string_view key, JsonField& field, Message& message) {
  if (key == "id") {
    message.id = Token(field);
  } else if (key == "type") {
    message.type = Token(field);
  } else if (key == "timestamp") {
    message.timestamp = Token(field);
  } else if (key == "model") {
    message.model = Token(field);
  } else if (key == "content") {
    ReadGenAiParts(field, message.parts);
  } else if (key == "displayContent") {
    ReadGenAiParts(field, message.display);
  } else if (key == "tokens") {
    ReadTokens(field, message.tokens);
  } else if (key == "toolCalls") {
    field.ForEachItem([&](JsonField& item) { ReadToolCall(item, message.calls.emplace_back()); });
  } else {
    return false;
  }
  return true;
}

void ReadMessages(JsonField& value, Record& record) {
  if (value.type() != JsonField::Type::kArray) return;
  record.has_messages = true;
  value.ForEachItem([&](JsonField& item) {
    Message& message = record.messages.emplace_back();
    item.ForEachField([&](std::string_view key, JsonField& field) {
      static_cast<void>(ReadMessageField(key, field, message));
    });
  });
}

void ReadHeaderField(std::string_view key, JsonField& field, Record& record) {
  if (key == "sessionId") {
    record.session_id = Token(field);
  } else if (key == "projectHash") {
    record.project_hash = Token(field);
  } else if (key == "startTime") {
    record.start_time = Token(field);
  } else if (key == "kind") {
    record.session_kind = Token(field);
  } else if (key == "messages") {
    ReadMessages(field, record);
  }
}

Kind KindOf(const Record& record, bool set, bool rewind) {
  if (set) return Kind::kSet;
  if (rewind) return Kind::kRewind;
  if (record.message.id.present()) return Kind::kMessage;
  return record.session_id.present() ? Kind::kHeader : Kind::kUnknown;
}

}  // namespace

Status DecodeRecord(std::string_view line, base::LineParser& parser, Record& record) {
  record = Record();
  bool set = false, rewind = false;
  ST_RETURN_IF_ERROR(parser.ForEachField(line, [&](std::string_view key, JsonField& value) {
    if (key == "$set") {
      set = true;
      value.ForEachField([&](std::string_view name, JsonField& field) {
        if (name == "messages") ReadMessages(field, record);
      });
    } else if (key == "$rewindTo") {
      rewind = true;
      record.rewind_to = Token(value);
    } else if (!ReadMessageField(key, value, record.message)) {
      ReadHeaderField(key, value, record);
    }
  }));
  record.kind = KindOf(record, set, rewind);
  return absl::OkStatus();
}

}  // namespace selftune::hosts::gemini
