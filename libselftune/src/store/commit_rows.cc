#include "store/commit_rows.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status_macros.h"

namespace selftune::store {
namespace {

constexpr char kPutCommit[] = R"sql(
  INSERT INTO vcs_commit(session_pk,sha,title,branch,repo_remote,committed_ms) SELECT ?1,?2,?3,?4,?5,?6
    WHERE NOT EXISTS(SELECT 1 FROM vcs_commit WHERE sha=?2 AND session_pk<>?1)
  ON CONFLICT DO UPDATE SET title=coalesce(excluded.title,title), branch=coalesce(excluded.branch,branch),
    repo_remote=coalesce(excluded.repo_remote,repo_remote))sql";
// Of others than ?2, or of all.
constexpr char kDropLogged[] = R"sql(
  DELETE FROM vcs_commit WHERE sha=?1 AND session_pk IS NOT ?2
    AND EXISTS(SELECT 1 FROM commit_logged l WHERE l.session_pk=vcs_commit.session_pk AND l.sha=vcs_commit.sha))sql";
constexpr char kDropMarks[] =
    R"sql(DELETE FROM commit_logged WHERE sha=?1 AND session_pk IS NOT ?2)sql";
constexpr char kPutLogged[] = R"sql(
  INSERT INTO vcs_commit(session_pk,sha,title,branch,repo_remote,committed_ms) VALUES(?1,?2,?3,?4,?5,?6)
  ON CONFLICT DO NOTHING)sql";
constexpr char kMarkLogged[] =
    R"sql(INSERT INTO commit_logged(sha,session_pk) VALUES(?1,?2) ON CONFLICT DO NOTHING)sql";
// A hook may know the beginning of the name only.
constexpr char kSeenByHook[] = R"sql(
  SELECT 1 FROM vcs_commit v WHERE v.sha BETWEEN substr(?1,1,7) AND ?1 AND substr(?1,1,length(v.sha))=v.sha
    AND NOT EXISTS(SELECT 1 FROM commit_logged l WHERE l.session_pk=v.session_pk AND l.sha=v.sha) LIMIT 1)sql";
// The same one, whichever of the two names is the shorter: of this session, or of another
// when nothing says that they are two. Those that were seen come first.
constexpr char kSameCommit[] = R"sql(
  SELECT session_pk,sha,title,branch,repo_remote,
    EXISTS(SELECT 1 FROM commit_logged l WHERE l.session_pk=v.session_pk AND l.sha=v.sha) AS logged
  FROM (SELECT * FROM vcs_commit WHERE sha BETWEEN substr(?1,1,7) AND ?1 AND substr(?1,1,length(sha))=sha
    UNION ALL SELECT * FROM vcs_commit WHERE sha>?1 AND sha<?1||'g') v
  WHERE session_pk=?2 OR sha=?1 OR title IS NULL OR ?3 IS NULL OR title=?3
  ORDER BY session_pk<>?2, logged, length(sha) DESC LIMIT 1)sql";
constexpr char kFillCommit[] = R"sql(
  UPDATE vcs_commit SET title=coalesce(title,?3), branch=coalesce(branch,?4), repo_remote=coalesce(repo_remote,?5)
  WHERE session_pk=?1 AND sha=?2)sql";

constexpr char kMarkDue[] = R"sql(
  INSERT INTO commit_due(session_pk) SELECT session_pk FROM session WHERE session_pk=?1 AND workspace_id IS NOT NULL
  ON CONFLICT DO UPDATE SET rev=rev+1, problem=NULL)sql";
constexpr char kListDue[] = R"sql(
  SELECT d.session_pk,d.rev,w.path,s.started_ms,s.ended_ms FROM commit_due d
  CROSS JOIN session s ON s.session_pk=d.session_pk CROSS JOIN workspace w ON w.workspace_id=s.workspace_id
  WHERE d.problem IS NULL ORDER BY d.session_pk LIMIT ?1)sql";
constexpr char kSettleDue[] = R"sql(DELETE FROM commit_due WHERE session_pk=?1 AND rev=?2)sql";
constexpr char kRefuseDue[] =
    R"sql(UPDATE commit_due SET problem=?3 WHERE session_pk=?1 AND rev=?2)sql";
constexpr char kRetryDue[] =
    R"sql(UPDATE commit_due SET problem=NULL WHERE problem IS NOT NULL)sql";
constexpr char kCountDue[] = R"sql(
  SELECT count(*)-count(problem),count(problem),max(problem) FROM commit_due)sql";

constexpr char kBelow[] = R"sql(
  SELECT workspace_id,path FROM workspace WHERE path=?1
  UNION ALL SELECT workspace_id,path FROM workspace WHERE path>?2||'/' AND path<?2||'0')sql";
// One without any call of a tool made no commit; of a hook's nobody counts them.
constexpr char kAtWork[] = R"sql(
  SELECT s.session_pk,s.root_pk FROM session s LEFT JOIN session_metric m ON m.session_pk=s.session_pk
  WHERE s.workspace_id=?1 AND s.ended_ms>=?2 AND s.started_ms<?2+1000 AND coalesce(m.total_tool_calls,1)>0)sql";

// Returns whether there was one.
StatusOr<bool> DropLogged(Db& db, std::string_view sha, std::optional<SessionPk> but) {
  ST_RETURN_IF_ERROR(db.Run(kDropLogged, sha, but));
  const bool some = db.changes() > 0;
  if (some) ST_RETURN_IF_ERROR(db.Run(kDropMarks, sha, but));
  return some;
}

}  // namespace

Status PutCommit(Db& db, SessionPk session, const CommitRow& row) {
  db.Touch(kTopicEvidence);
  ST_RETURN_IF_ERROR(DropLogged(db, row.sha, std::nullopt).status());
  return db.Run(kPutCommit, session, row.sha, OrNull{row.title}, OrNull{row.branch},
                OrNull{row.remote}, row.at);
}

StatusOr<TakenCommit> TakeCommit(Db& db, SessionPk session, const CommitRow& row) {
  struct Known {
    SessionPk session;
    std::string sha, title, branch, remote;
    bool logged = false;
  };
  std::optional<Known> known;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kSameCommit, row.sha, session, OrNull{row.title}));
    ST_ASSIGN_OR_RETURN(const bool found, rows.Next());
    if (found) {
      known = {.session = rows.Key<SessionPk>(0),
               .sha = rows.String(1),
               .title = rows.String(2),
               .branch = rows.String(3),
               .remote = rows.String(4),
               .logged = rows.Bool(5)};
    }
  }
  if (known.has_value() && !known->logged) {
    ST_RETURN_IF_ERROR(db.Run(kFillCommit, known->session, known->sha, OrNull{row.title},
                              OrNull{row.branch}, OrNull{row.remote}));
    return TakenCommit{.session = known->session};
  }
  CommitRow taken = row;
  if (known.has_value()) {
    ST_RETURN_IF_ERROR(DropLogged(db, known->sha, std::nullopt).status());
    taken.sha = known->sha;  // the log has the whole name
    if (taken.title.empty()) taken.title = known->title;
    if (taken.branch.empty()) taken.branch = known->branch;
    if (taken.remote.empty()) taken.remote = known->remote;
  }
  ST_RETURN_IF_ERROR(db.Run(kPutCommit, session, taken.sha, OrNull{taken.title},
                            OrNull{taken.branch}, OrNull{taken.remote}, taken.at));
  if (db.changes() == 0) {
    return Fail(kInternal, "taking over commit {}: another session has it already", taken.sha);
  }
  const bool said = known.has_value() && known->session == session;
  return TakenCommit{.session = session, .is_new = !said};
}

Status MarkCommitsDue(Db& db, SessionPk session) { return db.Run(kMarkDue, session); }

StatusOr<std::vector<CommitDue>> ListCommitsDue(Db& db, int64_t most) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kListDue, most));
  std::vector<CommitDue> out;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    CommitDue& due = out.emplace_back();
    due.session = rows.Key<SessionPk>(0);
    due.rev = rows.Int(1);
    due.path = rows.String(2);
    if (!rows.IsNull(3)) due.started = UtcMillis{rows.Int(3)};
    if (!rows.IsNull(4)) due.ended = UtcMillis{rows.Int(4)};
  }
}

Status SettleCommitsDue(Db& db, const CommitDue& due, std::string_view problem) {
  if (problem.empty()) return db.Run(kSettleDue, due.session, due.rev);
  return db.Run(kRefuseDue, due.session, due.rev, problem);
}

Status RetryCommits(Db& db) { return db.Run(kRetryDue); }

StatusOr<CommitsLeft> CountCommitsLeft(Db& db) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kCountDue));
  ST_ASSIGN_OR_RETURN(const bool found, rows.Next());
  if (!found) return CommitsLeft();
  return CommitsLeft{.due = rows.Int(0), .refused = rows.Int(1), .problem = rows.String(2)};
}

StatusOr<std::vector<Workspace>> WorkspacesBelow(Db& db, std::string_view folder) {
  // Of "/" all: there the slash is the folder's own.
  const std::string_view stem = folder == "/" ? std::string_view() : folder;
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kBelow, folder, stem));
  std::vector<Workspace> out;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back({.id = rows.Int(0), .path = rows.String(1)});
  }
}

StatusOr<AtWork> WhoWasAtWork(Db& db, std::span<const int64_t> workspaces, UtcMillis at) {
  AtWork out;
  std::optional<SessionPk> root;
  for (const int64_t workspace : workspaces) {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kAtWork, workspace, at));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      const auto top = rows.Key<SessionPk>(1);
      if (root.has_value() && *root != top) return AtWork{.session = std::nullopt, .several = true};
      out.session = root.has_value() ? top : rows.Key<SessionPk>(0);
      root = top;
    }
  }
  return out;
}

StatusOr<bool> PutLoggedCommit(Db& db, std::optional<SessionPk> session, const CommitRow& row) {
  ST_ASSIGN_OR_RETURN(const int64_t seen, db.QueryInt(kSeenByHook, 0, row.sha));
  if (seen != 0) session.reset();
  ST_ASSIGN_OR_RETURN(bool changed, DropLogged(db, row.sha, session));
  if (session.has_value()) {
    ST_RETURN_IF_ERROR(db.Run(kPutLogged, *session, row.sha, OrNull{row.title}, OrNull{row.branch},
                              OrNull{row.remote}, row.at));
    if (db.changes() > 0) {
      ST_RETURN_IF_ERROR(db.Run(kMarkLogged, row.sha, *session));
      changed = true;
    }
  }
  if (changed) db.Touch(kTopicEvidence);
  return changed;
}

}  // namespace selftune::store
