// A message of a conversation as both stores of Cline keep it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_object.h"
#include "base/time.h"
#include "hosts/common/raw_text.h"
#include "hosts/common/tool_use.h"

namespace selftune::hosts::cline {

// What one file or command of a call brought.
struct PartResult {
  bool failed = false;
  RawText result, error;
};

struct Block {
  enum class Kind { kOther, kText, kToolUse, kToolResult };
  Kind kind = Kind::kOther;
  RawText text;
  RawText id, name;  // of a use; `id` of the use a result belongs to
  ToolArgs args;
  std::vector<PartResult> parts;  // of a result
};

// `input` includes `cache_read`.
struct Metrics {
  bool present = false;
  int64_t input = 0, output = 0, cache_read = 0, cache_write = 0;
};

// Views into the line.
struct Message {
  RawText id, role, model, provider, display_role;
  bool display_only = false;
  std::optional<UtcMillis> at;
  std::vector<Block> blocks;
  Metrics metrics;
};

void ReadMessage(base::JsonField& value, Message& message);

// Without what the host puts around and behind typed text: `<user_input>`,
// `<mode_notice>`. "" when nothing of a person is left.
[[nodiscard]] std::string Unwrap(std::string_view text);

// "... exited with code 3" in a text of the host: 3; 0 when it names none.
[[nodiscard]] int64_t ExitCodeIn(std::string_view text);

// A file is shown with the numbers of its lines: "1 | ---\n2 | name: x".
[[nodiscard]] std::string WithoutNumbers(const std::string& text);

// Was the call refused by a person, a rule or a hook?
[[nodiscard]] bool SaysDenied(std::string_view text);

}  // namespace selftune::hosts::cline
