// Takes in what hooks left in the spool.
#pragma once

#include <span>
#include <string>

#include "base/error.h"
#include "base/time.h"
#include "store/db.h"
#include "store/spool.h"

namespace selftune::sync {

// Everything that waits, in its order, each event once. Prompts and skill uses
// get the keys that their transcript will give them, so that both meet.
// `installed`: names of the skills of all hosts, for what prompts say about
// them. Opens transactions of its own; several processes may do this at once.
[[nodiscard]] StatusOr<store::DrainReport> TakeInHooks(store::Db& db, const std::string& state_dir,
                                                       std::span<const std::string> installed,
                                                       UtcMillis now);

// The same with the skills that the store believes to be installed.
[[nodiscard]] StatusOr<store::DrainReport> TakeInHooks(store::Db& db, const std::string& state_dir,
                                                       UtcMillis now);

}  // namespace selftune::sync
