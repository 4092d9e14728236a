// One event of a Copilot CLI session as plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_object.h"
#include "base/time.h"
#include "hosts/common/raw_text.h"
#include "hosts/common/tool_use.h"

namespace selftune::hosts::copilot {

enum class Kind {
  kUnknown,
  kIgnored,
  kStart,
  kUserMessage,
  kSystemMessage,
  kAnswer,
  kUsage,
  kCallStart,
  kCallEnd,
  kSkill,
  kAgentStart,
  kAgentFailed,
  kError,
  kAbort,
  kCompacted,
  kRewind,
};

// `input` includes `cache_read`; `reasoning` is inside `output`.
struct Usage {
  int64_t input = 0, output = 0, cache_read = 0, cache_write = 0, reasoning = 0;
  RawText interaction;  // what the request was for
};

struct Call {
  RawText id, name;
  ToolArgs args;
};

// Views into the line: valid until the next one.
struct Record {
  Kind kind = Kind::kUnknown;
  RawText type, id, timestamp, agent_id;
  // kStart
  RawText session_id, version, model, cwd, branch, commit, repository;
  // Messages, errors.
  RawText content, source, message, error_code;
  std::vector<Call> calls;  // of an answer; the one that starts
  // kCallEnd
  RawText call_id;
  std::optional<bool> success;
  std::optional<int64_t> exit_code;
  RawText result;
  // kSkill
  RawText name, path, trigger;
  RawText agent_type;
  RawText rewind_to;
  Usage usage;

  [[nodiscard]] std::optional<UtcMillis> at() const { return ParseRfc3339(timestamp.escaped()); }
};

// Fails when the line is not one JSON object.
[[nodiscard]] Status DecodeRecord(std::string_view line, base::LineParser& parser, Record& record);

}  // namespace selftune::hosts::copilot
