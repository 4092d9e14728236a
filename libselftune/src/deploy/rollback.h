// Takes a deploy back in one of three ways, never by guessing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "deploy/deployer.h"

namespace selftune::deploy {

enum class RollbackState { kRolledBack, kPartial, kConflicted };
[[nodiscard]] std::string_view Word(RollbackState state);

struct RollbackOutcome {
  RollbackState state = RollbackState::kRolledBack;
  std::string deploy_id;  // of the rollback, "" when nothing was written
  std::string undone;     // of the deploy taken back
  std::vector<std::string> paths;
  std::string detail;  // what stood in the way
};

// Takes one deploy back: the identical old bytes where the file is as deployed;
// only the description where other parts were edited since; nothing where the
// description itself was edited.
[[nodiscard]] StatusOr<RollbackOutcome> Rollback(const DeployWorld& world,
                                                 std::string_view deploy_id,
                                                 std::string_view reason, std::string_view run_id);

}  // namespace selftune::deploy
