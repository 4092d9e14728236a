// Watches a deployed change on the sessions after it, by a sequential test
// that may be looked at any time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "stats/sequential.h"
#include "store/db.h"
#include "store/watch_rows.h"

namespace selftune::monitoring {

struct WatchStart {
  std::string deploy_id, skill;
  std::string content_sha256;      // raw, of the deployed file
  std::string description_before;  // what was shown before the deploy
  double alpha = stats::kWatchAlpha;
  double delta = stats::kWatchDelta;
};

// Registers the watch with a baseline from the 50 newest labelled sessions of
// the 60 days before. A fresh deploy is registered, not judged. Its own
// transaction.
[[nodiscard]] Status StartWatch(store::Db& db, const WatchStart& start, UtcMillis now);

struct WatchView {
  store::WatchRow row;
  stats::WatchDecision decision;
  double coverage = 0;  // labelled of all sessions with evidence
  bool newly_regressed = false;
};

struct LookOptions {
  // Deployed text; sessions that saw another are left out. Unknown: so are all
  // that saw any.
  std::optional<std::string> description;
  // Asked for by a person; holds for this watch from now on. Unset: as begun.
  std::optional<double> alpha, delta;
  bool write = true;             // false: compute only
  bool file_is_deployed = true;  // false: the file was edited, the watch ends
};

// Judges all sessions since the deploy and decides; stores what was found.
[[nodiscard]] StatusOr<WatchView> LookAt(store::Db& db, store::WatchRow row,
                                         const LookOptions& options, UtcMillis now);

}  // namespace selftune::monitoring
