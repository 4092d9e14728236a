// What the text of a call's output says about how the call went.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "hosts/codex/inner_json.h"

namespace selftune::hosts::codex {

struct CallResult {
  bool error = false;
  bool denied = false;   // refused by a hook or a person
  bool aborted = false;  // cut short by the user
  bool never_ran = false;
  bool running = false;  // goes on in the background
  std::optional<int64_t> exit_code;
};

// `token` is the JSON string token of the output (with its quotes, still
// escaped: outputs are the bulk of a rollout).
[[nodiscard]] CallResult JudgeOutput(std::string_view token, InnerJson& inner);

// Does the output say that SKILL.md (or a script) could not be read?
[[nodiscard]] bool SaysUnreadable(std::string_view token, std::string_view file_name);

}  // namespace selftune::hosts::codex
