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

// What became of one file.
struct RollbackFile {
  std::string path;
  RollbackState state = RollbackState::kRolledBack;
  bool missing = false;                     // there is no file any more: nothing to take back
  std::string sha256_before, sha256_after;  // hex, of the file itself; "" = missing
};

struct RollbackOutcome {
  RollbackState state = RollbackState::kRolledBack;
  std::string deploy_id;            // of the rollback, "" when nothing was written
  std::string undone;               // of the deploy taken back
  std::vector<RollbackFile> files;  // of the deploy, in its order
  std::string detail;               // what stood in the way
};

// Takes one deploy back: the identical old bytes where the file is as deployed;
// only the description where other parts were edited since; nothing where the
// description itself was edited, or where the journal does not hold the bytes
// that were written down. A copy that is gone does not keep the others.
[[nodiscard]] StatusOr<RollbackOutcome> Rollback(const DeployWorld& world,
                                                 std::string_view deploy_id,
                                                 std::string_view reason, std::string_view run_id);

// The same decision without doing it.
[[nodiscard]] StatusOr<RollbackOutcome> PlanRollback(const DeployWorld& world,
                                                     std::string_view deploy_id);

}  // namespace selftune::deploy
