// The files of the state folder that are selftune's, by name and kind: a folder that
// SELFTUNE_HOME names may hold anything else as well.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace selftune::capi {

struct StateFiles {
  std::vector<std::string> evidence;  // files, and folders of journals
  std::vector<std::string> locks;
  std::vector<std::string> dirs;  // go when they are empty, innermost last
};

[[nodiscard]] StatusOr<StateFiles> FindStateFiles(const std::string& state_dir,
                                                  const std::string& db_path);

// Temporary files of writers that were killed: those that nobody can be writing any more.
[[nodiscard]] Status RemoveOldTemps(const std::string& state_dir, UtcMillis now);

}  // namespace selftune::capi
