// How long the journals of finished deploys are kept.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "deploy/deployer.h"

namespace selftune::deploy {

// Removes journals that are older than 90 days and not among the newest 20 of
// their skill. Never removed: open, conflicted and damaged ones, and that of the
// deploy that stands, whose bytes a rollback needs. Returns their ids.
// Does nothing while a deploy is running.
[[nodiscard]] StatusOr<std::vector<std::string>> DropOldJournals(const DeployWorld& world);

}  // namespace selftune::deploy
