// One line of a Pi session as plain values; what facts are not made of is
// skipped unread.
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

namespace selftune::hosts::pi {

enum class Kind {
  kUnknown,
  kIgnored,  // known, without facts
  kHeader,
  kModelChange,
  kSystem,
  kUser,
  kAssistant,
  kToolResult,
  kCompaction,
  kOverhead,  // branch_summary, usage: tokens beside the answers
};

struct Usage {
  bool present = false, has_reasoning = false;
  int64_t input = 0, output = 0, cache_read = 0, cache_write = 0, reasoning = 0;
};

struct Call {
  RawText id, name;
  ToolArgs args;
};

// Parts of a system prompt, as far as they matter.
struct Sections {
  bool present = false;  // the record has a system prompt
  bool replaces = false;
  bool removes_skills = false;  // the section is set to nothing
  RawText skills;               // absent: not said
};

// Views into the line: valid until the next one.
struct Record {
  Kind kind = Kind::kUnknown;
  RawText id, parent, timestamp;
  // Header.
  int64_t version = 0;
  RawText cwd, parent_session;
  // Messages.
  std::vector<RawText> texts;
  bool has_content = false;
  std::vector<Call> calls;
  RawText provider, model, response_model, stop_reason, error_message;
  RawText tool_call_id, tool_name;
  bool is_error = false;
  Usage usage;
  Sections sections;

  [[nodiscard]] std::optional<UtcMillis> at() const;
};

// Fails when the line is not one JSON object.
[[nodiscard]] Status DecodeRecord(std::string_view line, base::LineParser& parser, Record& record);

}  // namespace selftune::hosts::pi
