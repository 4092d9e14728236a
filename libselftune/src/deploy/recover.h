// Ends deploys that a crash left open.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "deploy/deployer.h"

namespace selftune::deploy {

// A journal that could not be brought to an end.
struct DamagedJournal {
  std::string deploy_id;
  Status why;
};

struct RecoverReport {
  std::vector<std::string> finished, aborted, conflicted;  // deploy ids
  std::vector<DamagedJournal> damaged;                     // still open; the others went on
  // Whether nothing was changed.
  [[nodiscard]] bool empty() const {
    return finished.empty() && aborted.empty() && conflicted.empty();
  }
};

// Brings every open journal to an end: a deploy whose files all hold the new
// bytes is finished, any other is taken back. Idempotent; runs before other
// work on every engine that may write. Waits for nobody: LOCK_HELD when a
// deploy is running. One journal that is damaged, or whose files cannot be
// reached, keeps neither the others nor the caller from their work.
[[nodiscard]] StatusOr<RecoverReport> Recover(const DeployWorld& world);

// The journals that are open, without touching them: what a recovery would look
// at, and why one cannot be read (OK when it can).
[[nodiscard]] StatusOr<std::vector<DamagedJournal>> OpenJournals(const std::string& state_dir);

}  // namespace selftune::deploy
