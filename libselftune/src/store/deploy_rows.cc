#include "store/deploy_rows.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"
#include "store/ingest_writer.h"

namespace selftune::store {
namespace {

constexpr char kInsert[] =
    "INSERT OR IGNORE INTO deploy(deploy_id,proposal_id,skill_id,kind,undoes,state,started_ms) "
    "VALUES(?1,?2,?3,?4,?5,'deploying',?6)";

constexpr char kInsertTarget[] =
    "INSERT OR IGNORE INTO deploy_target(deploy_id,ord,path,platform,dev,inode,old_sha256,"
    "new_sha256,git,state) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,'pending')";

constexpr char kFinish[] =
    "UPDATE deploy SET state=?2, reason=?3, finished_ms=?4 WHERE deploy_id=?1";
constexpr char kFinishTargets[] = "UPDATE deploy_target SET state=?2 WHERE deploy_id=?1";
constexpr char kTakeBack[] =
    "UPDATE deploy SET state='rolled_back' WHERE deploy_id="
    "(SELECT undoes FROM deploy WHERE deploy_id=?1) AND state='deployed'";

#define ST_DEPLOY_COLUMNS                                                            \
  "SELECT d.deploy_id, d.proposal_id, k.name, d.kind, d.undoes, d.state, d.reason, " \
  "d.started_ms, d.finished_ms FROM deploy d JOIN skill k ON k.skill_id=d.skill_id "

constexpr char kColumns[] = ST_DEPLOY_COLUMNS "WHERE d.deploy_id=?1";
constexpr char kBySkill[] =
    ST_DEPLOY_COLUMNS "WHERE k.name_key=?1 ORDER BY d.started_ms DESC, d.deploy_id DESC";
constexpr char kAll[] = ST_DEPLOY_COLUMNS "ORDER BY d.started_ms DESC, d.deploy_id DESC";
constexpr char kUnwatched[] = ST_DEPLOY_COLUMNS
    "WHERE d.kind='deploy' AND d.state='deployed' AND d.finished_ms>=?1 "
    "AND NOT EXISTS(SELECT 1 FROM watch w WHERE w.deploy_id=d.deploy_id) ORDER BY d.deploy_id";
#undef ST_DEPLOY_COLUMNS

constexpr char kRecent[] =
    "SELECT d.deploy_id, d.proposal_id, k.name, d.kind, d.undoes, d.state, d.reason, d.started_ms,"
    " d.finished_ms FROM deploy d JOIN skill k ON k.skill_id=d.skill_id WHERE d.started_ms>=?1 "
    "ORDER BY d.started_ms DESC, d.deploy_id DESC LIMIT ?2";

constexpr char kTargets[] =
    "SELECT path, platform, old_sha256, new_sha256, git, dev, inode, state FROM deploy_target "
    "WHERE deploy_id=?1 ORDER BY ord";

constexpr char kRollbacks[] =
    "SELECT count(*) FROM deploy d JOIN skill k ON k.skill_id=d.skill_id WHERE k.name_key=?1 AND "
    "d.kind='rollback' AND d.state='deployed' AND d.started_ms>=?2";

DeployRow FromRow(const Cursor& row) {
  DeployRow out;
  out.deploy_id = row.String(0);
  out.proposal_id = row.String(1);
  out.skill = row.String(2);
  out.kind = row.String(3);
  out.undoes = row.String(4);
  out.state = row.String(5);
  out.reason = row.String(6);
  out.started = row.Time(7);
  out.finished = row.OptTime(8);
  return out;
}

Status LoadTargets(Db& db, DeployRow& row) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kTargets, row.deploy_id));
  while (true) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return absl::OkStatus();
    DeployTargetRow& target = row.targets.emplace_back();
    target.path = rows.String(0);
    target.platform = rows.String(1);
    target.old_sha256 = std::string(rows.Bytes(2));
    target.new_sha256 = std::string(rows.Bytes(3));
    target.git = rows.String(4);
    target.dev = static_cast<uint64_t>(rows.Int(5));
    target.inode = static_cast<uint64_t>(rows.Int(6));
    target.state = rows.String(7);
  }
}

StatusOr<std::vector<DeployRow>> ReadAll(Db& db, StatusOr<Cursor> found) {
  std::vector<DeployRow> out;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, std::move(found));
    while (true) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      out.push_back(FromRow(rows));
    }
  }
  for (DeployRow& row : out) ST_RETURN_IF_ERROR(LoadTargets(db, row));
  return out;
}

}  // namespace

Status InsertDeploy(Db& db, const DeployRow& row, UtcMillis now) {
  IngestWriter writer(db, now);
  ST_ASSIGN_OR_RETURN(const SkillId skill, writer.EnsureSkill(row.skill));
  ST_RETURN_IF_ERROR(db.Run(kInsert, row.deploy_id, OrNull{row.proposal_id}, skill, row.kind,
                            OrNull{row.undoes}, row.started));
  int64_t ord = 0;
  for (const DeployTargetRow& target : row.targets) {
    ST_RETURN_IF_ERROR(db.Run(
        kInsertTarget, row.deploy_id, ord++, target.path, OrNull{target.platform}, target.dev,
        target.inode, Blob{target.old_sha256}, Blob{target.new_sha256}, OrNull{target.git}));
  }
  db.Touch(kTopicEvolution);
  return absl::OkStatus();
}

Status FinishDeploy(Db& db, std::string_view deploy_id, std::string_view state,
                    std::string_view reason, std::string_view target_state, UtcMillis now) {
  ST_RETURN_IF_ERROR(db.Run(kFinish, deploy_id, state, OrNull{reason}, now));
  ST_RETURN_IF_ERROR(db.Run(kFinishTargets, deploy_id, target_state));
  if (state == "deployed") ST_RETURN_IF_ERROR(db.Run(kTakeBack, deploy_id));
  db.Touch(kTopicEvolution);
  return absl::OkStatus();
}

StatusOr<DeployRow> ReadDeploy(Db& db, std::string_view deploy_id) {
  DeployRow out;
  {
    ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kColumns, deploy_id));
    ST_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (!found)
      return WithSuggestion(Fail(kNotFound, "deploy {}: not known", deploy_id),
                            "see what is being watched", "selftune watch");
    out = FromRow(row);
  }
  ST_RETURN_IF_ERROR(LoadTargets(db, out));
  return out;
}

StatusOr<std::vector<DeployRow>> ListDeploys(Db& db, std::string_view skill) {
  return ReadAll(db, skill.empty() ? db.Query(kAll) : db.Query(kBySkill, base::AsciiLower(skill)));
}

StatusOr<std::vector<DeployRow>> UnwatchedDeploys(Db& db, UtcMillis since) {
  return ReadAll(db, db.Query(kUnwatched, since));
}

StatusOr<std::optional<DeployRow>> CurrentDeploy(Db& db, std::string_view skill) {
  ST_ASSIGN_OR_RETURN(std::vector<DeployRow> rows, ListDeploys(db, skill));
  for (DeployRow& row : rows) {
    if (row.kind == "deploy" && row.state == "deployed") {
      return std::optional<DeployRow>(std::move(row));
    }
  }
  return std::optional<DeployRow>();
}

StatusOr<std::vector<DeployRow>> RecentDeploys(Db& db, UtcMillis since, int64_t limit) {
  std::vector<DeployRow> out;
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kRecent, since, limit));
  while (true) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back(FromRow(rows));
  }
}

StatusOr<int64_t> RollbacksSince(Db& db, std::string_view skill, UtcMillis since) {
  return db.QueryInt(kRollbacks, 0, base::AsciiLower(skill), since);
}

StatusOr<std::optional<UtcMillis>> LastDeployTime(Db& db, std::string_view skill) {
  ST_ASSIGN_OR_RETURN(const std::vector<DeployRow> rows, ListDeploys(db, skill));
  for (const DeployRow& row : rows) {
    if (row.state == "deployed" || row.state == "rolled_back") return row.finished;
  }
  return std::optional<UtcMillis>();
}

}  // namespace selftune::store
