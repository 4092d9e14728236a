// What ends a reference that still runs here: a command for its hooks, one for its timers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "upstream/leftovers.h"

namespace selftune::upstream {

struct StillRuns {
  std::string_view kind;            // hook timer
  std::string path;                 // the first of its files
  std::string message;              // what runs, and what that does
  std::vector<std::string> remedy;  // argv; moves files aside, deletes none
};
// Hooks first; empty when nothing runs.
[[nodiscard]] std::vector<StillRuns> WhatStillRuns(const std::vector<Leftover>& leftovers,
                                                   const std::string& state_dir);

}  // namespace selftune::upstream
