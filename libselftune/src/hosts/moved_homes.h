// Hosts whose own variable names another folder than the one that is read.
// HOME, SELFTUNE_HOME and config.json alone decide where we read
// (docs/decisions/0016); a person who sets such a variable has to be told.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"

namespace selftune::hosts {

struct MovedHome {
  std::string_view platform;  // "codex"
  std::string_view title;     // "Codex CLI"
  std::string variable;       // "CODEX_HOME"
  std::string folder;         // that it names; exists
  std::string read;           // that is read instead, "" = none
};

// In the order of the registry. Looks at the disk only for variables that are set.
[[nodiscard]] std::vector<MovedHome> FindMovedHomes(const base::Environment& env);

// "CODEX_HOME names /data/codex, which is not read: ..."
[[nodiscard]] std::string Describe(const MovedHome& moved);
// What records the folder: {"selftune", "config", "set", ...}.
[[nodiscard]] std::vector<std::string> CommandFor(const MovedHome& moved);

}  // namespace selftune::hosts
