// Calls installed hooks as their host would, with an event that is about nothing, and
// looks at what comes of it. Nothing of it reaches the person's state folder.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/env.h"
#include "base/error.h"
#include "install/target.h"

namespace selftune::install {

struct TrialResult {
  std::string event, command;
  int exit_code = -1;  // -1: a signal, or its time was over
  std::chrono::milliseconds elapsed{0};
  std::string reply;    // what it printed
  std::string problem;  // "" = as it should be
};

// Nothing is run but a program of ours, in the very words that an installer writes: a
// settings file of a project may hold whatever its author liked. Where `place` is a
// project's it is `place.shim` or not at all.
// Empty: nothing of ours is installed there. `scratch`: a folder of ours that is empty.
[[nodiscard]] StatusOr<std::vector<TrialResult>> VerifyHooks(const Target& target,
                                                             const Place& place,
                                                             const base::Environment& env,
                                                             const std::string& scratch,
                                                             const base::Cancel& cancel);

}  // namespace selftune::install
