#include "store/job_rows.h"

#include <signal.h>

#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"
#include "base/time.h"
#include "store/ingest_writer.h"

namespace selftune::store {
namespace {

constexpr char kStart[] =
    "INSERT INTO job_run(run_id,job,started_ms,status,trigger,approval_mode,pid) "
    "VALUES(?1,?2,?3,'running',?4,?5,?6)";

constexpr char kEnd[] =
    "UPDATE job_run SET status=?2, elapsed_ms=?3-started_ms, metrics=?4, error=?5 WHERE run_id=?1";

constexpr char kAction[] =
    "INSERT OR REPLACE INTO job_action(run_id,ord,skill_id,action,reason,deployed,rolled_back,"
    "alert,elapsed_ms,llm_calls) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)";

constexpr char kRunning[] =
    "SELECT run_id, coalesce(pid,0) FROM job_run WHERE job=?1 AND status='running'";

constexpr char kAbandon[] =
    "UPDATE job_run SET status='error', error='the process ended before the run did', "
    "elapsed_ms=?2-started_ms WHERE run_id=?1";

constexpr char kLastStart[] =
    "SELECT started_ms FROM job_run WHERE job=?1 AND trigger=?2 AND run_id<>?3 AND "
    "status<>'nothing_to_do' ORDER BY started_ms DESC LIMIT 1";

constexpr char kConsume[] =
    "UPDATE improvement_signal SET state='consumed', run_id=?2, state_ms=?3 WHERE state='pending' "
    "AND skill_id=(SELECT skill_id FROM skill WHERE name_key=?1)";

constexpr char kExpire[] =
    "UPDATE improvement_signal SET state='expired', state_ms=?2 WHERE state='pending' AND "
    "occurred_ms<?1";

constexpr char kPolicy[] =
    "SELECT s.autonomy, s.cooldown_until_ms, s.frozen_until_ms FROM skill_state s "
    "JOIN skill k ON k.skill_id=s.skill_id WHERE k.name_key=?1";

constexpr char kCooldown[] =
    "INSERT INTO skill_state(skill_id,cooldown_until_ms,frozen_until_ms,reason,updated_ms) "
    "VALUES(?1,?2,?3,?4,?5) ON CONFLICT(skill_id) DO UPDATE SET "
    "cooldown_until_ms=excluded.cooldown_until_ms, "
    "frozen_until_ms=coalesce(excluded.frozen_until_ms,frozen_until_ms), reason=excluded.reason, "
    "updated_ms=excluded.updated_ms";

bool Alive(int64_t pid) {
  return pid > 0 && (::kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM);
}

}  // namespace

Status StartJob(Db& db, const JobStart& start, UtcMillis now) {
  db.Touch(kTopicJobs);
  return db.Run(kStart, start.run_id, start.job, now, start.trigger, start.approval_mode,
                start.pid);
}

Status EndJob(Db& db, const JobEnd& end, UtcMillis now) {
  ST_RETURN_IF_ERROR(
      db.Run(kEnd, end.run_id, end.status, now, OrNull{end.metrics}, OrNull{end.error}));
  IngestWriter writer(db, now);
  int64_t ord = 0;
  for (const JobAction& action : end.actions) {
    SkillId skill;
    if (!action.skill.empty()) {
      ST_ASSIGN_OR_RETURN(skill, writer.EnsureSkill(action.skill));
    }
    ST_RETURN_IF_ERROR(db.Run(kAction, end.run_id, ord++, skill, action.action,
                              OrNull{action.reason}, action.deployed, action.rolled_back,
                              OrNull{action.alert}, action.elapsed_ms, action.llm_calls));
  }
  db.Touch(kTopicJobs);
  return absl::OkStatus();
}

StatusOr<std::optional<UtcMillis>> LastJobStart(Db& db, std::string_view job,
                                                std::string_view trigger, std::string_view but) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kLastStart, job, trigger, but));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return std::optional<UtcMillis>();
  return std::optional(row.Time(0));
}

StatusOr<int64_t> EndAbandonedJobs(Db& db, std::string_view job, UtcMillis now) {
  std::vector<std::string> gone;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kRunning, job));
    while (true) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      if (!Alive(rows.Int(1))) gone.push_back(rows.String(0));
    }
  }
  for (const std::string& run_id : gone) ST_RETURN_IF_ERROR(db.Run(kAbandon, run_id, now));
  if (!gone.empty()) db.Touch(kTopicJobs);
  return static_cast<int64_t>(gone.size());
}

StatusOr<int64_t> ConsumeSignals(Db& db, std::string_view skill, std::string_view run_id,
                                 UtcMillis now) {
  ST_RETURN_IF_ERROR(db.Run(kConsume, base::AsciiLower(skill), run_id, now));
  db.Touch(kTopicEvidence);
  return db.changes();
}

StatusOr<int64_t> ExpireSignals(Db& db, UtcMillis now) {
  ST_RETURN_IF_ERROR(db.Run(kExpire, now.value - kSignalLifeMs, now));
  const int64_t count = db.changes();
  if (count > 0) db.Touch(kTopicEvidence);
  return count;
}

StatusOr<SkillPolicy> ReadSkillPolicy(Db& db, std::string_view skill) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kPolicy, base::AsciiLower(skill)));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return SkillPolicy{};
  return SkillPolicy{row.String(0), row.OptTime(1), row.OptTime(2)};
}

Status SetCooldown(Db& db, std::string_view skill, UtcMillis until,
                   std::optional<UtcMillis> frozen_until, std::string_view reason, UtcMillis now) {
  IngestWriter writer(db, now);
  ST_ASSIGN_OR_RETURN(const SkillId id, writer.EnsureSkill(skill));
  db.Touch(kTopicSettings);
  return db.Run(kCooldown, id, until, frozen_until, reason, now);
}

}  // namespace selftune::store
