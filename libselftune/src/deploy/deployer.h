// The only writer of installed SKILL.md files: journalled compare-and-swap.
// recover.h ends what a crash left open, rollback.h takes a deploy back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "deploy/journal.h"
#include "store/db.h"

namespace selftune::deploy {

// One file to change. The change is made only if the file still holds the
// bytes it was planned for.
struct PlannedTarget {
  std::string path;        // as installed; links are resolved
  std::string platform;    // host whose folder it lies in, "" = unknown
  std::string old_sha256;  // hex, of the bytes the change was made for
  std::string new_bytes;
  std::string git_head, git_blob;  // what version control holds, "" = nothing
};

struct DeployPlan {
  std::string skill;
  std::string proposal_id;  // "" = none
  Kind kind = Kind::kDeploy;
  std::string undoes;                  // of a rollback: the deploy it takes back
  std::string reason;                  // of a rollback: why, one line
  std::string run_id;                  // orchestrate run, "" = by hand
  std::vector<PlannedTarget> targets;  // all or none
};

struct DeployWorld {
  store::Db* db = nullptr;  // durable, open for writing
  std::string state_dir;
  const Clock* clock = nullptr;
  int settle_ms = 200;  // how long a displaced file is watched for late writes
};

struct DeployOutcome {
  std::string deploy_id;
  std::vector<std::string> paths;           // real paths that were changed
  std::vector<std::string> conflict_files;  // late writes of others, kept
  std::string left_over;                    // what a recovery still has to clean up, "" = nothing
};

// LOCK_HELD, FILE_CHANGED (nothing was changed), CONFLICTED, WRITE_FAILED,
// DISK_FULL. After any failure each file holds its old bytes, or what another
// program wrote meanwhile; where even that could not be brought about (the
// message says so), recovery does it. The store's row decides: once it says
// deployed, the files hold the new bytes and nothing fails any more.
[[nodiscard]] StatusOr<DeployOutcome> Execute(const DeployWorld& world, const DeployPlan& plan);

}  // namespace selftune::deploy
