// Writes the store's side of a deploy: its row, its files, and the step in the
// proposal's audit, each in one durable transaction.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/lock_file.h"
#include "deploy/deployer.h"
#include "deploy/journal.h"

namespace selftune::deploy {

class DeployLog {
 public:
  // `world` outlives the log.
  DeployLog(const DeployWorld& world, std::string_view run_id) : world_(world), run_id_(run_id) {}

  // Before the first file is touched.
  [[nodiscard]] Status Begin(const Intent& intent, const std::vector<std::string>& platforms) const;
  // Adds the row where Begin did not come so far.
  [[nodiscard]] Status End(const Intent& intent, Ending ending, std::string_view reason) const;

 private:
  // A changed skill rests for a day; after two rollbacks in 30 days for a week.
  [[nodiscard]] Status Rest(const Intent& intent, UtcMillis now) const;
  [[nodiscard]] Status EndProposal(const Intent& intent, Ending ending,
                                   std::string_view reason) const;
  const DeployWorld& world_;
  std::string run_id_;
};

// The lock every deploy and recovery holds.
[[nodiscard]] StatusOr<base::LockFile> LockDeploys(const std::string& state_dir);

}  // namespace selftune::deploy
