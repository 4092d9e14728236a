// One line of a Gemini CLI session as plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_object.h"
#include "base/time.h"
#include "hosts/common/genai_parts.h"
#include "hosts/common/raw_text.h"
#include "hosts/common/tool_use.h"

namespace selftune::hosts::gemini {

// `input` includes `cached`; `thoughts` is beside `output`.
struct Tokens {
  bool present = false;
  int64_t input = 0, output = 0, cached = 0, thoughts = 0;
};

struct ToolCall {
  RawText id, name, status, timestamp, display, agent_id;
  ToolArgs args;
  RawText output, error;  // of the response
};

struct Message {
  RawText id, type, timestamp, model;
  std::vector<GenAiPart> parts;
  std::vector<GenAiPart> display;  // what the person saw, where it differs
  std::vector<ToolCall> calls;
  Tokens tokens;
};

enum class Kind { kUnknown, kHeader, kMessage, kSet, kRewind };

// Views into the line: valid until the next one.
struct Record {
  Kind kind = Kind::kUnknown;
  // Header, or a whole session in the old form.
  RawText session_id, project_hash, start_time, session_kind;
  Message message;
  // kSet: the new list; of an old session all of it.
  bool has_messages = false;
  std::vector<Message> messages;
  RawText rewind_to;
};

// Fails when the line is not one JSON object.
[[nodiscard]] Status DecodeRecord(std::string_view line, base::LineParser& parser, Record& record);

}  // namespace selftune::hosts::gemini
