// Looks at open watches and takes a deploy back that made things worse.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "config/config.h"
#include "deploy/rollback.h"
#include "monitoring/watch.h"
#include "skillfs/discovery.h"
#include "store/db.h"

namespace selftune::orchestrate {

struct WatchWorld {
  store::Db* db = nullptr;  // durable when rollbacks are made; may be read-only in a dry run
  const Clock* clock = nullptr;
  const config::Config* config = nullptr;
  const skillfs::Discovery* skills = nullptr;
  std::string state_dir;
};

struct WatchOptions {
  std::string skill;  // "" = all
  bool auto_rollback = false;
  std::optional<double> alpha, delta;  // of watch.h, where given
  bool write = true;                   // false: dry run
  bool review_required = false;        // a regression is reported, nothing is written back
  std::string run_id;
};

struct WatchResult {
  monitoring::WatchView view;
  bool regressed = false;
  bool rolled_back = false;
  std::string rollback_id, rollback_state;  // rolled_back partial conflicted, "" = none
  std::vector<deploy::RollbackFile> files;  // that the rollback was about
  std::string detail;                       // why there was no rollback, or what stood in its way
  Status error;                             // of this watch; the others go on
};

// Open watches, and with `skill` the newest of that skill even if it is closed.
// A regression whose rollback did not happen (the lock was held, nobody asked for
// it, the process died) stays open and is taken back by the next call that may.
[[nodiscard]] StatusOr<std::vector<WatchResult>> LookAtWatches(const WatchWorld& world,
                                                               const WatchOptions& options);

// Begins the watches of deploys that have none: their process died, or a
// recovery finished them.
[[nodiscard]] Status BeginMissingWatches(const WatchWorld& world);

}  // namespace selftune::orchestrate
