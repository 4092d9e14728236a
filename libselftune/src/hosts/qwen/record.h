// One line of a Qwen Code session as plain values.
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

namespace selftune::hosts::qwen {

// `prompt` includes `cached`; `thoughts` is inside `candidates`.
struct Usage {
  bool present = false;
  int64_t prompt = 0, candidates = 0, cached = 0, thoughts = 0;
};

// Views into the line: valid until the next one.
struct Record {
  RawText uuid, parent, session_id, timestamp, type, subtype, provenance;
  RawText cwd, version, branch, model, agent_id;
  RawText forked_session;  // forkedFrom.sessionId: the record is a copy from there
  bool has_message = false, sidechain = false;
  std::vector<GenAiPart> parts;
  Usage usage;
  // toolCallResult
  RawText call_id, status, error_type;
  std::optional<int64_t> exit_code;
  // systemPayload
  RawText event_name, prompt_id, error_message;  // of a telemetry event
  RawText display_text, hook_context;            // of a prompt
  RawText raw_command, phase;                    // of a slash command
  RawText turn_state;                            // of a finished turn

  [[nodiscard]] std::optional<UtcMillis> at() const { return ParseRfc3339(timestamp.escaped()); }
};

// Fails when the line is not one JSON object.
[[nodiscard]] Status DecodeRecord(std::string_view line, base::LineParser& parser, Record& record);

}  // namespace selftune::hosts::qwen
