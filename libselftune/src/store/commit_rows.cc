#include "store/commit_rows.h"

namespace selftune::store {
namespace {

constexpr char kPutCommit[] = R"sql(
  INSERT INTO vcs_commit(session_pk,sha,title,branch,repo_remote,committed_ms) SELECT ?1,?2,?3,?4,?5,?6
    WHERE NOT EXISTS(SELECT 1 FROM vcs_commit WHERE sha=?2 AND session_pk<>?1)
  ON CONFLICT DO UPDATE SET title=coalesce(excluded.title,title), branch=coalesce(excluded.branch,branch),
    repo_remote=coalesce(excluded.repo_remote,repo_remote))sql";

}  // namespace

Status PutCommit(Db& db, SessionPk session, const CommitRow& row) {
  db.Touch(kTopicEvidence);
  return db.Run(kPutCommit, session, row.sha, OrNull{row.title}, OrNull{row.branch},
                OrNull{row.remote}, row.at);
}

}  // namespace selftune::store
