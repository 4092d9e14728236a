// The store's side of deploys: which files were changed, and how it ended. The
// journal folder holds the bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/rows.h"

namespace selftune::store {

struct DeployTargetRow {
  std::string path, platform, old_sha256, new_sha256, git;  // hashes raw
  uint64_t dev = 0, inode = 0;
  std::string state = "pending";  // pending swapped restored conflicted
};

struct DeployRow {
  std::string deploy_id, proposal_id, skill, kind = "deploy", undoes, state = "deploying", reason;
  UtcMillis started;
  std::optional<UtcMillis> finished;
  std::vector<DeployTargetRow> targets;
};

// Inside a WriteTxn of a durable connection.
[[nodiscard]] Status InsertDeploy(Db& db, const DeployRow& row, UtcMillis now);
[[nodiscard]] Status FinishDeploy(Db& db, std::string_view deploy_id, std::string_view state,
                                  std::string_view reason, std::string_view target_state,
                                  UtcMillis now);

// NOT_FOUND when there is none.
[[nodiscard]] StatusOr<DeployRow> ReadDeploy(Db& db, std::string_view deploy_id);
// The newest finished deploy of the skill that was not taken back; nullopt if none.
[[nodiscard]] StatusOr<std::optional<DeployRow>> CurrentDeploy(Db& db, std::string_view skill);
// Newest first; "" = of all skills.
[[nodiscard]] StatusOr<std::vector<DeployRow>> ListDeploys(Db& db, std::string_view skill);
// Of all skills, the newest at most `limit` begun since then; without targets.
[[nodiscard]] StatusOr<std::vector<DeployRow>> RecentDeploys(Db& db, UtcMillis since,
                                                             int64_t limit);
// Finished deploys since then that were not taken back and that no watch looks
// at, oldest first.
[[nodiscard]] StatusOr<std::vector<DeployRow>> UnwatchedDeploys(Db& db, UtcMillis since);
// Finished rollbacks of the skill since then.
[[nodiscard]] StatusOr<int64_t> RollbacksSince(Db& db, std::string_view skill, UtcMillis since);
// End of the newest deploy or rollback of the skill; nullopt if none.
[[nodiscard]] StatusOr<std::optional<UtcMillis>> LastDeployTime(Db& db, std::string_view skill);

}  // namespace selftune::store
