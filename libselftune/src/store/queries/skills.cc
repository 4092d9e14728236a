#include "store/queries/skills.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include "base/status_macros.h"
#include "base/strings.h"
#include "base/time.h"

namespace selftune::store {
namespace {

constexpr size_t kMaxSuggestions = 3;

constexpr char kFindById[] = R"sql(SELECT name FROM skill WHERE skill_id=?1)sql";
constexpr char kFind[] = R"sql(SELECT skill_id,name FROM skill WHERE name_key=?1)sql";
constexpr char kNames[] = R"sql(SELECT name,name_key FROM skill ORDER BY name)sql";
constexpr char kSummary[] = R"sql(
  SELECT k.skill_id,k.name,t.checks,t.triggered,t.missed,t.sessions,t.first_ms,t.last_ms,t.last_scope,x.autonomy
  FROM skill k LEFT JOIN skill_total t ON t.skill_id=k.skill_id LEFT JOIN skill_state x ON x.skill_id=k.skill_id
  WHERE k.skill_id=?1)sql";
constexpr char kWorkspaces[] = R"sql(
  SELECT count(DISTINCT s.workspace_id) FROM skill_session z JOIN session s ON s.session_pk=z.session_pk WHERE z.skill_id=?1)sql";
constexpr char kLocations[] = R"sql(
  SELECT l.path,l.scope,l.registry_dir,l.project_root,l.real_path,l.content_sha256,b.text,l.description_body IS NOT NULL,
    l.implicit_allowed,l.in_git,l.first_ms,l.last_ms
  FROM skill_location l LEFT JOIN body b ON b.body_id=l.description_body WHERE l.skill_id=?1 ORDER BY l.last_ms DESC,l.path)sql";
constexpr char kDays[] = R"sql(
  SELECT day,checks,triggered,refused,requested,read_only,missed,explicit,implicit,inferred FROM skill_day
  WHERE skill_id=?1 AND day>=?2 AND day<=?3 ORDER BY day)sql";
constexpr char kMoments[] = R"sql(
  SELECT occurred_ms,outcome FROM observation
  WHERE skill_id=?1 AND effective=1 AND coalesce(occurred_ms,0)>=?2 AND coalesce(occurred_ms,0)<?3)sql";
constexpr char kWindow[] = R"sql(
  SELECT coalesce(sum(triggered),0),coalesce(sum(refused),0),coalesce(sum(requested),0),coalesce(sum(read_only),0),
    coalesce(sum(missed),0),coalesce(sum(explicit),0),coalesce(sum(implicit),0),coalesce(sum(inferred),0),
    coalesce(sum(conf_n),0),coalesce(sum(conf_micro),0),coalesce(sum(low_conf),0),coalesce(sum(linked),0),
    coalesce(sum(polluted),0),coalesce(sum(repaired),0)
  FROM skill_day WHERE skill_id=?1 AND day>=?2 AND day<=?3)sql";
constexpr char kCauses[] = R"sql(
  SELECT cause,count(*) FROM observation WHERE skill_id=?1 AND effective=1 AND outcome='missed' AND day>=?2 AND day<=?3
  GROUP BY cause ORDER BY 2 DESC,1)sql";
constexpr char kPlatforms[] = R"sql(
  SELECT s.platform,count(*) FROM observation o JOIN session s ON s.session_pk=o.session_pk
  WHERE o.skill_id=?1 AND o.effective=1 AND o.outcome='triggered' AND o.day>=?2 AND o.day<=?3
  GROUP BY s.platform ORDER BY 2 DESC,1)sql";
constexpr char kVersions[] = R"sql(
  SELECT content_sha256,first_ms,last_ms FROM skill_version WHERE skill_id=?1 ORDER BY first_ms DESC)sql";

// Days of a half-open window; both ends count.
struct DayRange {
  int64_t from = INT64_MIN, to = INT64_MAX;
};

DayRange DaysOf(const TimeWindow& window) {
  DayRange range;
  if (window.from.has_value()) range.from = DayOf(*window.from);
  if (window.to.has_value()) {
    const int64_t day = DayOf(*window.to);
    // A window that ends at midnight does not reach into the next day.
    range.to = window.to->value == day * kDayMs ? day - 1 : day;
  }
  return range;
}

// What helps is a name that is meant, then one of those there are; reading transcripts
// only where nothing was read yet.
Status NotFound(Db& db, std::string_view name) {
  std::vector<std::pair<size_t, std::string>> near;
  size_t known = 0;
  const std::string key = base::AsciiLower(base::Trim(name));
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kNames));
  for (;; ++known) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) break;
    const size_t distance = base::EditDistance(key, rows.Text(1));
    if (distance <= base::MostEdits(key)) near.emplace_back(distance, rows.String(0));
  }
  std::sort(near.begin(), near.end());
  if (near.size() > kMaxSuggestions) near.resize(kMaxSuggestions);
  std::string text;
  for (const auto& [distance, other] : near) text += (text.empty() ? "" : ", ") + other;
  const Status none = Fail(kSkillNotFound, "finding skill {}: nothing is known of it", name);
  if (!text.empty()) {
    return WithSuggestion(none, "did you mean " + text + "?", "selftune skills list");
  }
  if (known == 0) return WithSuggestion(none, "read the transcripts first", "selftune sync");
  return WithSuggestion(none, "see which skills are known", "selftune skills list");
}

StatusOr<SkillSummary> ReadSummary(Db& db, SkillId skill) {
  SkillSummary out;
  {
    ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kSummary, skill));
    ST_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (!found) return Fail(kSkillNotFound, "reading skill {}: no such row", skill.value);
    out.id = skill;
    out.name = row.String(1);
    out.checks = row.Int(2);
    out.triggered = row.Int(3);
    out.missed = row.Int(4);
    out.sessions = row.Int(5);
    out.first = row.OptTime(6);
    out.last = row.OptTime(7);
    out.last_scope = row.String(8);
    out.autonomy = row.String(9);
  }
  ST_ASSIGN_OR_RETURN(out.workspaces, db.QueryInt(kWorkspaces, 0, skill));
  ST_ASSIGN_OR_RETURN(out.locations, ReadSkillLocations(db, skill));
  return out;
}

Status AddCounts(Db& db, SkillId skill, const DayRange& days, SkillReport& out) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kWindow, skill, days.from, days.to));
  ST_RETURN_IF_ERROR(row.Next().status());
  out.triggered = row.Int(0);
  out.refused = row.Int(1);
  out.requested = row.Int(2);
  out.read_only = row.Int(3);
  out.missed = row.Int(4);
  out.explicit_uses = row.Int(5);
  out.implicit_uses = row.Int(6);
  out.inferred_uses = row.Int(7);
  out.confidence_n = row.Int(8);
  out.confidence_sum = static_cast<double>(row.Int(9)) / 1e6;
  out.low_confidence = row.Int(10);
  out.linked = row.Int(11);
  out.polluted = row.Int(12);
  out.repaired = row.Int(13);
  return absl::OkStatus();
}

}  // namespace

StatusOr<SkillRef> FindSkill(Db& db, std::string_view name) {
  {
    ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kFind, base::AsciiLower(base::Trim(name))));
    ST_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (found) return SkillRef{row.Key<SkillId>(0), row.String(1)};
  }
  return NotFound(db, name);
}

StatusOr<SkillRef> FindSkillById(Db& db, SkillId id) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kFindById, id));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (found) return SkillRef{id, row.String(0)};
  return WithSuggestion(Fail(kSkillNotFound, "no skill has the id {}", id.value),
                        "see which skills are known", "selftune skills list");
}

StatusOr<std::vector<SkillLocation>> ReadSkillLocations(Db& db, SkillId skill) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kLocations, skill));
  std::vector<SkillLocation> out;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back({.path = rows.String(0),
                   .scope = rows.String(1),
                   .registry_dir = rows.String(2),
                   .project_root = rows.String(3),
                   .real_path = rows.String(4),
                   .content_sha256 = base::Hex(rows.Bytes(5)),
                   .description = rows.String(6),
                   .has_description = rows.Bool(7),
                   .implicit_allowed = rows.OptBool(8),
                   .in_git = rows.OptBool(9),
                   .first = rows.Time(10),
                   .last = rows.Time(11)});
  }
}

StatusOr<SkillReport> ReadSkillReport(Db& db, SkillId skill, const TimeWindow& window) {
  SkillReport out;
  ST_ASSIGN_OR_RETURN(out.summary, ReadSummary(db, skill));
  const DayRange days = DaysOf(window);
  ST_RETURN_IF_ERROR(AddCounts(db, skill, days, out));
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kCauses, skill, days.from, days.to));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      out.causes.push_back({rows.String(0), rows.Int(1)});
    }
  }
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kPlatforms, skill, days.from, days.to));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      out.platforms.emplace_back(rows.String(0), rows.Int(1));
    }
  }
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kVersions, skill));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.versions.push_back({base::Hex(rows.Bytes(0)), rows.Time(1), rows.Time(2)});
  }
}

StatusOr<std::vector<SkillDayRow>> ReadSkillDays(Db& db, SkillId skill, const TimeWindow& window) {
  const DayRange days = DaysOf(window);
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kDays, skill.value, days.from, days.to));
  std::vector<SkillDayRow> out;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back({.day = rows.Int(0),
                   .checks = rows.Int(1),
                   .triggered = rows.Int(2),
                   .refused = rows.Int(3),
                   .requested = rows.Int(4),
                   .read_only = rows.Int(5),
                   .missed = rows.Int(6),
                   .explicit_uses = rows.Int(7),
                   .implicit_uses = rows.Int(8),
                   .inferred_uses = rows.Int(9)});
  }
}

StatusOr<std::vector<SkillDayRow>> ReadSkillDaysIn(Db& db, SkillId skill, const TimeWindow& window,
                                                   const absl::TimeZone& zone) {
  const WindowBounds bounds = BoundsOf(window);
  std::map<int64_t, SkillDayRow> days;
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kMoments, skill.value, bounds.from, bounds.to));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) break;
    if (rows.IsNull(0)) continue;
    const absl::CivilDay civil = absl::ToCivilDay(absl::FromUnixMillis(rows.Int(0)), zone);
    const int64_t number = civil - absl::CivilDay(1970, 1, 1);
    SkillDayRow& day = days.try_emplace(number, SkillDayRow{.day = number}).first->second;
    const std::string_view outcome = rows.Text(1);
    ++day.checks;
    day.triggered += outcome == "triggered" ? 1 : 0;
    day.refused += outcome == "refused" ? 1 : 0;
    day.requested += outcome == "requested" ? 1 : 0;
    day.read_only += outcome == "read_only" ? 1 : 0;
    day.missed += outcome == "missed" ? 1 : 0;
  }
  std::vector<SkillDayRow> out;
  out.reserve(days.size());
  for (const auto& [number, day] : days) out.push_back(day);
  return out;
}

}  // namespace selftune::store
