// One hook call from beginning to end.
#pragma once

#include <string>
#include <string_view>

#include "hooks/world.h"

namespace selftune::hooks {

inline constexpr size_t kMaxPayload = size_t{8} << 20;  // bytes

// Handler name under which a program of any host hands in events in our own
// form ({"type":"prompt_submit","session_id":..,"prompt":..}, event.h).
inline constexpr std::string_view kNormalisedHook = "event";

struct Outcome {
  enum class Kind {
    kRecorded,
    kIgnored,
    kRejected,     // counted: a record says what came
    kLost,         // should have been kept and could not be; `error` is an errno
    kUnknownHost,  // of these two nothing is kept
    kUnknownHook,
  };
  Kind kind = Kind::kIgnored;
  int error = 0;
  std::string reply;  // for the host's standard output, "" = none
  int exit_code = 0;  // for the host
};

// `host` as on a command line ("claude-code", "claude_code", "claude"); `hook`
// a handler, "" = as the payload says, or kNormalisedHook.
[[nodiscard]] Outcome Dispatch(const World& world, std::string_view host, std::string_view hook,
                               std::string_view payload);

}  // namespace selftune::hooks
