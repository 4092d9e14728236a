// One event of an OpenClaw transcript as plain values. Files and databases hold
// the same events; what facts are not made of is skipped unread.
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

namespace selftune::hosts::openclaw {

enum class Kind {
  kUnknown,
  kIgnored,  // known, without facts
  kHeader,
  kUser,
  kAssistant,
  kToolResult,
  kCompaction,
  kBranchSummary
};

struct Usage {
  bool present = false, has_reasoning = false;
  int64_t input = 0, output = 0, cache_read = 0, cache_write = 0, reasoning = 0;
};

struct Call {
  RawText id, name;
  ToolArgs args;
};

// Views into the text of the event.
struct Record {
  Kind kind = Kind::kUnknown;
  RawText id, parent, timestamp;
  int64_t version = 0;  // of the header
  RawText cwd;

  std::vector<RawText> texts;
  std::vector<Call> calls;
  RawText provider, model, stop_reason, error_message;
  RawText provenance;  // who wrote a user message, absent = not said
  Usage usage;

  RawText tool_call_id, tool_name;
  bool is_error = false;
  std::optional<int64_t> exit_code;
  RawText status, child_key;  // of a tool's details

  [[nodiscard]] std::optional<UtcMillis> at() const;
};

// `text` is followed by 64 readable bytes. Fails when it is no JSON object.
[[nodiscard]] Status DecodeRecord(std::string_view text, base::LineParser& parser, Record& record);

}  // namespace selftune::hosts::openclaw
