#include "store/rest_rows.h"

#include <string>
#include <vector>

#include "base/status_macros.h"
#include "store/job_rows.h"

namespace selftune::store {
namespace {

#define ST_PENDING                                      \
  "FROM improvement_signal g INDEXED BY signal_newest " \
  "JOIN skill k ON k.skill_id=g.skill_id "
#define ST_PENDING_NOW                                                       \
  "WHERE g.state='pending' AND g.skill_id IS NOT NULL AND g.resolved=1 AND " \
  "g.occurred_ms>=?1 GROUP BY k.skill_id ORDER BY k.name"
constexpr char kPending[] =
    "SELECT "
    "k.skill_id,k.name,max(g.signal_pk),r.reason,r.until_ms,r.depends,r.newest_signal " ST_PENDING
    "LEFT JOIN skill_rest r ON r.skill_id=g.skill_id " ST_PENDING_NOW;
constexpr char kPendingOfOld[] =
    "SELECT k.skill_id,k.name,max(g.signal_pk),NULL " ST_PENDING ST_PENDING_NOW;
constexpr char kPolicy[] = R"sql(
  SELECT json_array(autonomy,cooldown_until_ms,frozen_until_ms) FROM skill_state WHERE skill_id=?1)sql";
constexpr char kPlaces[] = R"sql(
  SELECT json_array(path,hex(content_sha256),scope,registry_dir,project_root,real_path,implicit_allowed,in_git)
  FROM skill_location WHERE skill_id=?1 ORDER BY path)sql";
constexpr char kSetRest[] = R"sql(
  INSERT OR REPLACE INTO skill_rest(skill_id,reason,until_ms,depends,newest_signal,at_ms) VALUES(?1,?2,?3,?4,?5,?6))sql";
constexpr char kEndRest[] = R"sql(DELETE FROM skill_rest WHERE skill_id=?1)sql";

}  // namespace

StatusOr<std::vector<PendingSkill>> ReadPendingSkills(Db& db, UtcMillis now) {
  std::vector<PendingSkill> out;
  ST_ASSIGN_OR_RETURN(const bool has, db.Has("skill_rest"));
  ST_ASSIGN_OR_RETURN(Cursor rows,
                      db.Query(has ? kPending : kPendingOfOld, now.value - kSignalLifeMs));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    PendingSkill& skill = out.emplace_back();
    skill.id = rows.Key<SkillId>(0);
    skill.name = rows.String(1);
    skill.newest_signal = rows.Int(2);
    if (rows.IsNull(3)) continue;
    skill.rest = RestRow{.reason = rows.String(3),
                         .until = rows.Time(4),
                         .depends = std::string(rows.Bytes(5)),
                         .newest_signal = rows.OptInt(6)};
  }
}

StatusOr<std::string> RestDependsOn(Db& db, SkillId skill) {
  std::string out;
  for (const char* const sql : {kPolicy, kPlaces}) {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(sql, skill));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      out.append(rows.Text(0)).append(1, '\n');
    }
    out.append(1, '\n');
  }
  return out;
}

Status SetRest(Db& db, SkillId skill, const RestRow& rest, UtcMillis now) {
  return db.Run(kSetRest, skill, rest.reason, rest.until, Blob{rest.depends}, rest.newest_signal,
                now);
}

Status EndRest(Db& db, SkillId skill) { return db.Run(kEndRest, skill); }

}  // namespace selftune::store
