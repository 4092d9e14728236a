// The person's crontab: our lines between two marks, everybody else's as they are.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace selftune::schedule {

// Between the marks, each line with its end. "" = no block.
struct Crontab {
  std::string others;   // byte for byte
  std::string block;    // with its marks
  bool edited = false;  // the block is not as it was written
};

// CONFLICTED when a begin has no end: nobody can say where ours stop.
[[nodiscard]] StatusOr<Crontab> SplitCrontab(std::string_view text);

// `lines` between marks.
[[nodiscard]] std::string MakeBlock(std::string_view lines);
// The block behind the lines of others.
[[nodiscard]] std::string JoinCrontab(std::string_view others, std::string_view block);

// What is wrong with a line as cron reads it, "" = nothing: five fields of numbers,
// lists, ranges and steps, then a command.
[[nodiscard]] std::string ProblemOfLine(std::string_view line);

}  // namespace selftune::schedule
