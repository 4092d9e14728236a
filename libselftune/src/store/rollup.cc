#include "store/rollup.h"

#include <array>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"

namespace selftune::store {
namespace {

constexpr char kDirtyCells[] = R"sql(SELECT skill_id,day FROM rollup_dirty)sql";
constexpr char kClean[] = R"sql(DELETE FROM rollup_dirty)sql";

// A cell in the order of kCellColumns.
constexpr char kComputeCell[] = R"sql(
  SELECT count(*), coalesce(sum(o.outcome='triggered'),0), coalesce(sum(o.outcome='refused'),0),
    coalesce(sum(o.outcome='requested'),0), coalesce(sum(o.outcome='read_only'),0), coalesce(sum(o.outcome='missed'),0),
    coalesce(sum(o.outcome='triggered' AND o.mode='explicit'),0), coalesce(sum(o.outcome='triggered' AND o.mode='implicit'),0),
    coalesce(sum(o.outcome='triggered' AND o.mode='inferred'),0),
    count(o.confidence), coalesce(sum(CAST(round(o.confidence*1000000) AS INTEGER)),0), coalesce(sum(o.confidence<0.5),0),
    coalesce(sum(o.prompt_pk IS NOT NULL),0),
    (SELECT count(*) FROM observation d WHERE d.skill_id=?1 AND d.day=?2 AND d.polluted=1),
    coalesce(sum(o.capture='transcript' AND EXISTS(SELECT 1 FROM observation x
      WHERE x.occurrence_key=o.occurrence_key AND x.capture NOT IN('transcript','label'))),0),
    max(o.occurred_ms)
  FROM observation o WHERE o.skill_id=?1 AND o.day=?2 AND o.effective=1)sql";
constexpr char kReadCell[] = R"sql(
  SELECT checks,triggered,refused,requested,read_only,missed,explicit,implicit,inferred,conf_n,conf_micro,low_conf,
    linked,polluted,repaired,last_ms FROM skill_day WHERE skill_id=?1 AND day=?2)sql";
constexpr char kWriteCell[] = R"sql(
  INSERT OR REPLACE INTO skill_day(skill_id,day,checks,triggered,refused,requested,read_only,missed,explicit,implicit,
    inferred,conf_n,conf_micro,low_conf,linked,polluted,repaired,last_ms)
  VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18))sql";
constexpr char kDeleteCell[] = R"sql(DELETE FROM skill_day WHERE skill_id=?1 AND day=?2)sql";
constexpr char kSumDay[] = R"sql(
  SELECT coalesce(sum(checks),0),coalesce(sum(triggered),0),coalesce(sum(refused),0),coalesce(sum(requested),0),
    coalesce(sum(read_only),0),coalesce(sum(missed),0),coalesce(sum(explicit),0),coalesce(sum(implicit),0),
    coalesce(sum(inferred),0),coalesce(sum(conf_n),0),coalesce(sum(conf_micro),0),coalesce(sum(low_conf),0),
    coalesce(sum(linked),0),coalesce(sum(polluted),0),coalesce(sum(repaired),0),max(last_ms)
  FROM skill_day WHERE day=?2 AND skill_id<>0 AND ?1=0)sql";
constexpr char kAddTotal[] = R"sql(
  INSERT INTO skill_total(skill_id,checks,triggered,missed,conf_n,conf_micro,linked,polluted)
  VALUES(?1,?2,?3,?4,?5,?6,?7,?8)
  ON CONFLICT DO UPDATE SET checks=checks+excluded.checks, triggered=triggered+excluded.triggered,
    missed=missed+excluded.missed, conf_n=conf_n+excluded.conf_n, conf_micro=conf_micro+excluded.conf_micro,
    linked=linked+excluded.linked, polluted=polluted+excluded.polluted)sql";
constexpr char kTotalTimes[] = R"sql(
  UPDATE skill_total SET
    first_ms=(SELECT min(occurred_ms) FROM observation WHERE skill_id=?1 AND effective=1
      AND day=(SELECT min(day) FROM skill_day WHERE skill_id=?1 AND checks>0 AND last_ms IS NOT NULL)),
    last_ms=(SELECT max(last_ms) FROM skill_day WHERE skill_id=?1),
    last_scope=(SELECT scope FROM observation WHERE skill_id=?1 AND effective=1
      ORDER BY coalesce(occurred_ms,0) DESC,obs_pk DESC LIMIT 1)
  WHERE skill_id=?1)sql";

enum Column {
  kChecks,
  kTriggered,
  kRefused,
  kRequested,
  kReadOnlyRows,
  kMissed,
  kExplicit,
  kImplicit,
  kInferred,
  kConfidenceN,
  kConfidenceMicro,
  kLowConfidence,
  kLinked,
  kPolluted,
  kRepaired,
  kLast,
  kColumns
};
constexpr std::array<const char*, kColumns> kNames = {
    "checks",   "triggered", "refused",  "requested", "read_only",  "missed",
    "explicit", "implicit",  "inferred", "conf_n",    "conf_micro", "low_conf",
    "linked",   "polluted",  "repaired", "last_ms"};

struct Cell {
  std::array<int64_t, kColumns> value{};
  bool has_last = false;
  friend bool operator==(const Cell&, const Cell&) = default;
  [[nodiscard]] bool empty() const { return value[kChecks] == 0 && value[kPolluted] == 0; }
};

// The first row as a cell; zeros when there is none.
StatusOr<Cell> ReadCell(Db& db, const char* sql, int64_t skill_id, int64_t day) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(sql, skill_id, day));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  Cell cell;
  if (!found) return cell;
  for (int i = 0; i < kColumns; ++i) cell.value[i] = row.Int(i);
  cell.has_last = !row.IsNull(kLast);
  return cell;
}

Status WriteCell(Db& db, int64_t skill_id, int64_t day, const Cell& cell) {
  if (cell.empty()) return db.Run(kDeleteCell, skill_id, day);
  const auto& v = cell.value;
  std::optional<int64_t> last;
  if (cell.has_last) last = v[kLast];
  return db.Run(kWriteCell, skill_id, day, v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8],
                v[9], v[10], v[11], v[12], v[13], v[14], last);
}

// Replaces the cell and adds the difference to the skill's totals.
Status UpdateCell(Db& db, int64_t skill_id, int64_t day) {
  ST_ASSIGN_OR_RETURN(const Cell before, ReadCell(db, kReadCell, skill_id, day));
  ST_ASSIGN_OR_RETURN(const Cell after, ReadCell(db, kComputeCell, skill_id, day));
  if (before == after) return absl::OkStatus();
  ST_RETURN_IF_ERROR(WriteCell(db, skill_id, day, after));
  const auto added = [&](Column c) { return after.value[c] - before.value[c]; };
  db.Count(Counter::kObservations, added(kChecks));
  return db.Run(kAddTotal, skill_id, added(kChecks), added(kTriggered), added(kMissed),
                added(kConfidenceN), added(kConfidenceMicro), added(kLinked), added(kPolluted));
}

}  // namespace

Status DrainRollups(Db& db) {
  std::vector<std::pair<int64_t, int64_t>> cells;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kDirtyCells));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      cells.emplace_back(rows.Int(0), rows.Int(1));
    }
  }
  if (cells.empty()) return absl::OkStatus();
  std::set<int64_t> days, skills;
  for (const auto& [skill_id, day] : cells) {
    ST_RETURN_IF_ERROR(UpdateCell(db, skill_id, day));
    days.insert(day);
    skills.insert(skill_id);
  }
  for (const int64_t day : days) {
    ST_ASSIGN_OR_RETURN(const Cell all, ReadCell(db, kSumDay, 0, day));
    ST_RETURN_IF_ERROR(WriteCell(db, 0, day, all));
  }
  for (const int64_t skill_id : skills) ST_RETURN_IF_ERROR(db.Run(kTotalTimes, skill_id));
  return db.Run(kClean);
}

StatusOr<std::string> CheckCell(Db& db, int64_t skill_id, int64_t day) {
  const char* const compute = skill_id == 0 ? kSumDay : kComputeCell;
  ST_ASSIGN_OR_RETURN(const Cell stored, ReadCell(db, kReadCell, skill_id, day));
  ST_ASSIGN_OR_RETURN(const Cell computed, ReadCell(db, compute, skill_id, day));
  std::string problem;
  for (int i = 0; i < kColumns; ++i) {
    if (stored.value[i] == computed.value[i]) continue;
    problem += fmt::format("{}{} is {}, computed {}", problem.empty() ? "" : "; ", kNames[i],
                           stored.value[i], computed.value[i]);
  }
  return problem;
}

}  // namespace selftune::store
