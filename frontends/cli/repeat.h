// A command that is shown again and again: `selftune status --watch 5`.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "cli/command.h"

namespace selftune::cli {

// What one look brought.
struct Look {
  std::string envelope;
  RenderFn render = nullptr;
  int signal = 0;  // that ended it
};

struct Repeat {
  int64_t every_ms = 0;
  std::optional<int64_t> for_ms;  // no longer than this; empty: until it is ended
};

// Shows what `look` brings until SIGINT, SIGTERM or SIGHUP, until nobody reads it any
// more, until the time is over, or until a look fails in a way that will not pass. JSON is
// a line a look. A terminal is drawn anew, and only as far as it is high; other text
// follows below what was there. Returns the exit code.
[[nodiscard]] int ShowAgain(const Invocation& invocation, const Repeat& repeat,
                            const std::function<Look()>& look);

}  // namespace selftune::cli
