// What ends a reference that still runs here: a command for its hooks, one for its timers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"

namespace selftune::upstream {

struct StillRuns {
  std::string_view kind;  // hook timer
  std::string path;       // the first of its files
  std::string message;    // what runs, and what that does
  std::string advice;
  std::vector<std::string> remedy;  // argv; moves files aside, deletes none
};
// Hooks first; empty when nothing runs. Reads the crontab where lines of it may be there.
[[nodiscard]] std::vector<StillRuns> WhatStillRuns(const base::Environment& env,
                                                   const std::string& state_dir);

}  // namespace selftune::upstream
