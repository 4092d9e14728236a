// What was committed in a repository, from `git log -g`: the log that it keeps of its
// HEAD. It tells what was committed here and when; what was fetched is not in it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/env.h"
#include "base/error.h"
#include "base/time.h"

namespace selftune::sync {

struct LoggedCommit {
  std::string sha, title;
  std::string branch;  // "" = none was checked out
  UtcMillis at;        // to the second
};

struct GitLog {
  std::vector<LoggedCommit> commits;  // newest first
  std::string remote;                 // of `origin`, without a user's name; "" = none
};

// The folder at or above `path` that has a `.git`; "" without one, when `path` is gone
// or not absolute. Looks at names only.
[[nodiscard]] std::string FindWorkTree(const std::string& path);

// The program, "" when it is not installed.
[[nodiscard]] std::string FindGit(const base::Environment& env);

// Commits made in the work tree at `folder` since then, at most kMaxGitEntries moves of
// its HEAD back. PROCESS_FAILED or TIMEOUT when git does not say it: of a folder that
// belongs to somebody else it refuses to. Nothing that the repository's own settings
// name is run, nothing is fetched, nothing is written.
inline constexpr int64_t kMaxGitEntries = 5'000;
[[nodiscard]] StatusOr<GitLog> ReadGitLog(const std::string& git, const base::Environment& env,
                                          const std::string& folder, UtcMillis since,
                                          const base::Cancel* cancel);

}  // namespace selftune::sync
