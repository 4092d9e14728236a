#include "hosts/qwen/record.h"

namespace selftune::hosts::qwen {
namespace {

using base::JsonField;

RawText Token(JsonField& value) { return RawText(value.RawJson()); }

void ReadUsage(JsonField& value, Usage& usage) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    usage.present = true;
    if (key == "promptTokenCount") {
      usage.prompt = field.Int().value_or(0);
    } else if (key == "candidatesTokenCount") {
      usage.candidates = field.Int().value_or(0);
    } else if (key == "cachedContentTokenCount") {
      usage.cached = field.Int().value_or(0);
    } else if (key == "thoughtsTokenCount") {
      usage.thoughts = field.Int().value_or(0);
    }
  });
}

void ReadMessage(JsonField& value, Record& record) {
  record.has_message = true;
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "parts") ReadGenAiParts(field, record.parts);
  });
}

void ReadCallResult(JsonField& value, Record& record) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "callId") {
      record.call_id = Token(field);
    } else if (key == "status") {
      record.status = Token(field);
    } else if (key == "errorType") {
      record.error_type = Token(field);
    } else if (key == "resultDisplay") {
      field.ForEachField([&](std::string_view name, JsonField& part) {
        if (name == "exitCode") record.exit_code = part.Int();
      });
    }
  });
}

void ReadEvent(JsonField& value, Record& record) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "event.name") {
      record.event_name = Token(field);
    } else if (key == "prompt_id") {
      record.prompt_id = Token(field);
    } else if (key == "error_message" || key == "error") {
      record.error_message = Token(field);
    }
  });
}

void ReadPayload(JsonField& value, Record& record) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "uiEvent") {
      ReadEvent(field, record);
    } else if (key == "displayText") {
      record.display_text = Token(field);
    } else if (key == "hookContext") {
      record.hook_context = Token(field);
    } else if (key == "rawCommand") {
      record.raw_command = Token(field);
    } else if (key == "phase") {
      record.phase = Token(field);
    } else if (key == "state") {
      record.turn_state = Token(field);
    }
  });
}

bool ReadIds(std::string_view key, JsonField& value, Record& record) {
  if (key == "uuid") {
    record.uuid = Token(value);
  } else if (key == "parentUuid") {
    record.parent = Token(value);
  } else if (key == "sessionId") {
    record.session_id = Token(value);
  } else if (key == "timestamp") {
    record.timestamp = Token(value);
  } else if (key == "type") {
    record.type = Token(value);
  } else if (key == "subtype") {
    record.subtype = Token(value);
  } else if (key == "provenance") {
    record.provenance = Token(value);
  } else if (key == "agentId") {
    record.agent_id = Token(value);
  } else if (key == "isSidechain") {
    record.sidechain = value.Bool().value_or(false);
  } else {
    return false;
  }
  return true;
}

}  // namespace

Status DecodeRecord(std::string_view line, base::LineParser& parser, Record& record) {
  record = Record();
  return parser.ForEachField(line, [&](std::string_view key, JsonField& value) {
    if (ReadIds(key, value, record)) return;
    if (key == "cwd") {
      record.cwd = Token(value);
    } else if (key == "version") {
      record.version = Token(value);
    } else if (key == "gitBranch") {
      record.branch = Token(value);
    } else if (key == "model") {
      record.model = Token(value);
    } else if (key == "message") {
      ReadMessage(value, record);
    } else if (key == "usageMetadata") {
      ReadUsage(value, record.usage);
    } else if (key == "toolCallResult") {
      ReadCallResult(value, record);
    } else if (key == "systemPayload") {
      ReadPayload(value, record);
    } else if (key == "forkedFrom") {
      value.ForEachField([&](std::string_view name, JsonField& field) {
        if (name == "sessionId") record.forked_session = Token(field);
      });
    }
  });
}

}  // namespace selftune::hosts::qwen
