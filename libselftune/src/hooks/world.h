// The little a hook needs of its surroundings.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

namespace selftune::hooks {

struct World {
  std::string state_dir;   // "" = unknown: nothing can be kept
  bool internal = false;   // an agent that selftune itself started
  bool guard_off = false;  // SELFTUNE_GUARD=off
  UtcMillis now;
  // Starts a program that outlives the hook; nullptr: nothing may be started.
  void (*start)(const char* program) = nullptr;
};

// `get` returns a variable's value, "" when it is unset.
[[nodiscard]] World LookAround(std::string_view (*get)(const void* user, const char* name),
                               const void* user, UtcMillis now);

}  // namespace selftune::hooks
