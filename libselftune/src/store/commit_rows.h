// Commits that the tools of a session made: those that hooks saw, and those that only
// the log of a repository tells.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "store/db.h"
#include "store/ids.h"

namespace selftune::store {

struct CommitRow {
  std::string_view sha;
  std::string_view title, branch, remote;  // "" = unknown, none
  UtcMillis at;
};

// One that a hook saw. Inside a WriteTxn. Twice is once; what is known already is not
// lost. A commit belongs to the session that was seen to make it first.
[[nodiscard]] Status PutCommit(Db& db, SessionPk session, const CommitRow& row);

// One that another program's hook saw, which an import brings. Inside a WriteTxn. What ours
// saw stays, and learns what it did not know; what only the log told yields to it.
struct TakenCommit {
  SessionPk session;    // whose it is
  bool is_new = false;  // nobody had seen it
};
[[nodiscard]] StatusOr<TakenCommit> TakeCommit(Db& db, SessionPk session, const CommitRow& row);

// A session that went on since the log of its repository was read.
struct CommitDue {
  SessionPk session;
  int64_t rev = 0;
  std::string path;  // of its workspace
  std::optional<UtcMillis> started, ended;
};
// Inside a WriteTxn; nothing is due of a session that has no workspace.
[[nodiscard]] Status MarkCommitsDue(Db& db, SessionPk session);
[[nodiscard]] StatusOr<std::vector<CommitDue>> ListCommitsDue(Db& db, int64_t most);
// Inside a WriteTxn. Due again when it went on meanwhile. `problem` "" = it was read.
[[nodiscard]] Status SettleCommitsDue(Db& db, const CommitDue& due, std::string_view problem);
// All that met a problem are due again. Inside a WriteTxn.
[[nodiscard]] Status RetryCommits(Db& db);
struct CommitsLeft {
  int64_t due = 0, refused = 0;  // sessions
  std::string problem;           // of one of those refused
};
[[nodiscard]] StatusOr<CommitsLeft> CountCommitsLeft(Db& db);

// Workspaces at `folder` and below, with their paths.
struct Workspace {
  int64_t id = 0;
  std::string path;
};
[[nodiscard]] StatusOr<std::vector<Workspace>> WorkspacesBelow(Db& db, std::string_view folder);

// The one session that was at work in these workspaces at that second; a run with
// subagents is one, and its top stands for it. nullopt: none, or more than one.
struct AtWork {
  std::optional<SessionPk> session;
  bool several = false;
};
[[nodiscard]] StatusOr<AtWork> WhoWasAtWork(Db& db, std::span<const int64_t> workspaces,
                                            UtcMillis at);

// One that the log tells, of nobody when `session` is missing. Inside a WriteTxn. What
// hooks saw stays as it is. Returns whether something changed.
[[nodiscard]] StatusOr<bool> PutLoggedCommit(Db& db, std::optional<SessionPk> session,
                                             const CommitRow& row);

}  // namespace selftune::store
