// Ends deploys that a crash left open.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "deploy/deployer.h"

namespace selftune::deploy {

struct RecoverReport {
  std::vector<std::string> finished, aborted, conflicted;  // deploy ids
  [[nodiscard]] bool empty() const {
    return finished.empty() && aborted.empty() && conflicted.empty();
  }
};

// Brings every open journal to an end: a deploy whose files all hold the new
// bytes is finished, any other is taken back. Idempotent; runs before other
// work on every engine that may write. Waits for nobody: LOCK_HELD when a
// deploy is running.
[[nodiscard]] StatusOr<RecoverReport> Recover(const DeployWorld& world);

}  // namespace selftune::deploy
