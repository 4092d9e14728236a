#include "sync/commits.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "store/commit_rows.h"
#include "store/write_txn.h"
#include "sync/git_log.h"

namespace selftune::sync {
namespace {

using store::CommitDue;

constexpr int64_t kMaxDue = 2'000;        // sessions at a time
constexpr int64_t kMaxRepositories = 64;  // a run: a few milliseconds each

// By time alone a session may have made it; seconds are all that git tells.
bool Within(const CommitDue& due, UtcMillis at) {
  return due.started->value < at.value + 1000 && due.ended->value >= at.value;
}

// Workspaces of a work tree.
struct Places {
  std::vector<int64_t> here, perhaps;
};

class Reconciler {
 public:
  Reconciler(store::IngestWriter& writer, const CommitWorld& world)
      : writer_(writer), db_(writer.db()), world_(world) {}

  StatusOr<CommitReport> Run() {
    const std::string git = FindGit(*world_.env);
    report_.git_missing = git.empty();
    for (bool more = !git.empty(); more;) {
      ST_ASSIGN_OR_RETURN(const std::vector<CommitDue> due, store::ListCommitsDue(db_, kMaxDue));
      std::map<std::string, std::vector<CommitDue>> by_tree;
      std::vector<CommitDue> nowhere;
      for (const CommitDue& one : due) {
        const std::string& tree = TreeOf(one.path);
        const bool timed = one.started.has_value() && one.ended.has_value();
        (tree.empty() || !timed ? nowhere : by_tree[tree]).push_back(one);
      }
      ST_RETURN_IF_ERROR(Settle(nowhere, ""));
      ST_ASSIGN_OR_RETURN(const bool all, ReadLogs(git, by_tree));
      more = all && std::ssize(due) == kMaxDue;
    }
    return Left();
  }

 private:
  const std::string& TreeOf(const std::string& path) {
    const auto [entry, is_new] = trees_.try_emplace(path);
    if (is_new) entry->second = FindWorkTree(path);
    return entry->second;
  }

  StatusOr<CommitReport> Left() {
    ST_ASSIGN_OR_RETURN(const store::CommitsLeft left, store::CountCommitsLeft(db_));
    report_.waiting = left.due;
    report_.refused = left.refused;
    return std::move(report_);
  }

  Status Settle(const std::vector<CommitDue>& due, const std::string& problem) {
    if (due.empty()) return absl::OkStatus();
    ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db_));
    for (const CommitDue& one : due) {
      ST_RETURN_IF_ERROR(store::SettleCommitsDue(db_, one, problem));
    }
    return txn.Commit();
  }

  // Returns false when some are left for the next run.
  StatusOr<bool> ReadLogs(const std::string& git,
                          const std::map<std::string, std::vector<CommitDue>>& by_tree) {
    for (const auto& [tree, due] : by_tree) {
      if (report_.repositories >= kMaxRepositories || !world_.more()) return false;
      UtcMillis since = *due.front().started;
      for (const CommitDue& one : due) since.value = std::min(since.value, one.started->value);
      ++report_.repositories;
      const StatusOr<GitLog> log = ReadGitLog(git, *world_.env, tree, since, world_.cancel);
      if (!log.ok() && CodeOf(log.status()).name == kCancelledError.name) return log.status();
      if (!log.ok()) report_.warnings.emplace_back(Message(log.status()));
      ST_RETURN_IF_ERROR(log.ok() ? Store(tree, due, *log)
                                  : Settle(due, std::string(Message(log.status()))));
    }
    return true;
  }

  Status Store(const std::string& tree, const std::vector<CommitDue>& due, const GitLog& log) {
    Places places;
    if (!log.commits.empty()) {
      ST_ASSIGN_OR_RETURN(const std::vector<store::Workspace> below,
                          store::WorkspacesBelow(db_, tree));
      for (const store::Workspace& place : below) {
        // One inside may be a repository of its own.
        const std::string& of = TreeOf(place.path);
        if (of == tree) places.here.push_back(place.id);
        if (of == tree || of.empty()) places.perhaps.push_back(place.id);
      }
    }
    ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db_));
    for (const LoggedCommit& commit : log.commits) {
      const bool asked = std::any_of(due.begin(), due.end(), [&](const CommitDue& session) {
        return Within(session, commit.at);
      });
      if (asked) ST_RETURN_IF_ERROR(Add(places, log.remote, commit));
    }
    for (const CommitDue& one : due) ST_RETURN_IF_ERROR(store::SettleCommitsDue(db_, one, ""));
    return txn.Commit();
  }

  // Who, when nobody else may have been: a folder that is gone belonged to the work tree,
  // for all that is known.
  StatusOr<store::AtWork> Who(const Places& places, UtcMillis at) {
    ST_ASSIGN_OR_RETURN(const store::AtWork all, store::WhoWasAtWork(db_, places.perhaps, at));
    if (all.several || places.here.size() == places.perhaps.size()) return all;
    return store::WhoWasAtWork(db_, places.here, at);
  }

  Status Add(const Places& places, const std::string& remote, const LoggedCommit& commit) {
    ST_ASSIGN_OR_RETURN(const store::AtWork who, Who(places, commit.at));
    report_.ambiguous += who.several ? 1 : 0;
    bool forgotten = false;
    if (who.session.has_value()) {
      ST_ASSIGN_OR_RETURN(forgotten, writer_.IsForgotten(*who.session, commit.at, ""));
    }
    const std::string_view title = forgotten ? std::string_view() : commit.title;
    ST_ASSIGN_OR_RETURN(const bool changed, store::PutLoggedCommit(db_, who.session,
                                                                   {.sha = commit.sha,
                                                                    .title = title,
                                                                    .branch = commit.branch,
                                                                    .remote = remote,
                                                                    .at = commit.at}));
    report_.changed |= changed;
    report_.added += changed && who.session.has_value() ? 1 : 0;
    return absl::OkStatus();
  }

  store::IngestWriter& writer_;
  store::Db& db_;
  const CommitWorld& world_;
  std::map<std::string, std::string> trees_;  // by path
  CommitReport report_;
};

}  // namespace

StatusOr<CommitReport> ReconcileCommits(store::IngestWriter& writer, const CommitWorld& world) {
  return Reconciler(writer, world).Run();
}

}  // namespace selftune::sync
