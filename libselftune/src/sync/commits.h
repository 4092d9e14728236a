// Commits that no hook saw, from the logs of the repositories that sessions worked in.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/functional/function_ref.h>

#include "base/cancel.h"
#include "base/env.h"
#include "base/error.h"
#include "store/ingest_writer.h"

namespace selftune::sync {

struct CommitWorld {
  const base::Environment* env = nullptr;
  const base::Cancel* cancel = nullptr;
  // False: time is up, what is left waits for the next run.
  absl::FunctionRef<bool()> more;
};

struct CommitReport {
  int64_t repositories = 0;  // whose log was read
  int64_t added = 0;         // commits
  int64_t ambiguous = 0;     // made while several sessions were at work there
  int64_t waiting = 0;       // sessions
  int64_t refused = 0;       // sessions whose repository's log could not be read
  bool git_missing = false;
  bool changed = false;
  std::vector<std::string> warnings;
};

// Of sessions that went on since they were last looked at, a bounded number of
// repositories a run. A commit is a session's when it was made in the work tree of the
// session's folder while this session alone was at work there; others are nobody's, as
// before. Of sessions that were forgotten no title is kept. Runs no program when nothing
// is due, and outside of any transaction.
[[nodiscard]] StatusOr<CommitReport> ReconcileCommits(store::IngestWriter& writer,
                                                      const CommitWorld& world);

}  // namespace selftune::sync
