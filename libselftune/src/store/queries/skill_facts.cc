#include "store/queries/skill_facts.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"
#include "base/time.h"
#include "store/queries/for_each.h"

namespace selftune::store {
namespace {

constexpr char kTotals[] = R"sql(
  SELECT k.skill_id,k.name,t.checks,t.triggered,t.missed,t.sessions,t.last_ms,t.last_scope,x.autonomy,
    x.cooldown_until_ms,x.frozen_until_ms,
    coalesce(t.triggered+t.missed,0)>0 OR EXISTS(SELECT 1 FROM listing_entry l WHERE l.skill_id=k.skill_id)
      OR EXISTS(SELECT 1 FROM skill_day d WHERE d.skill_id=k.skill_id AND d.read_only>0)
  FROM skill k LEFT JOIN skill_total t ON t.skill_id=k.skill_id LEFT JOIN skill_state x ON x.skill_id=k.skill_id
  ORDER BY k.name)sql";
constexpr char kWindows[] = R"sql(
  SELECT skill_id,sum(triggered),sum(refused),sum(requested),sum(missed) FROM skill_day
  WHERE day>=?1 AND day<=?2 AND skill_id<>0 GROUP BY skill_id)sql";
// All there are without those of the days since, which are fewer; of the day that the instant
// falls into, the misses themselves are counted.
constexpr char kMissesBefore[] = R"sql(
  SELECT skill_id,sum(n) FROM (
    SELECT skill_id,missed AS n FROM skill_total WHERE missed>0
    UNION ALL
    SELECT skill_id,-missed FROM skill_day WHERE day>=?1 AND skill_id<>0 AND missed>0
    UNION ALL
    SELECT skill_id,1 FROM observation WHERE effective=1 AND outcome='missed'
      AND coalesce(occurred_ms,0)>=?2 AND coalesce(occurred_ms,0)<?3)
  GROUP BY skill_id HAVING sum(n)>0)sql";
constexpr char kPlaces[] = R"sql(
  SELECT skill_id,path,scope,registry_dir,project_root,content_sha256,implicit_allowed,in_git,
    first_ms,real_path
  FROM skill_location ORDER BY skill_id,path)sql";
// For each skill and host the first session that is one of both. The rows of a host
// lie close together, so looking from its first one finds them soon; where hosts
// are mixed a session of any is near.
constexpr char kPlatforms[] = R"sql(
  WITH span(platform,low,high) AS MATERIALIZED (
    SELECT platform,(SELECT min(session_pk) FROM session s WHERE s.platform=h.platform),
      (SELECT max(session_pk) FROM session s WHERE s.platform=h.platform) FROM host h)
  SELECT k.skill_id,h.platform FROM skill k CROSS JOIN span h
  WHERE h.low IS NOT NULL AND EXISTS(
    SELECT 1 FROM skill_session z CROSS JOIN session s INDEXED BY session_platform
      ON s.platform=h.platform AND s.session_pk=z.session_pk
    WHERE z.skill_id=k.skill_id AND z.session_pk BETWEEN h.low AND h.high)
  ORDER BY k.skill_id,h.platform)sql";
constexpr char kListed[] = R"sql(
  SELECT length(l.name)+coalesce(length(b.text),0) FROM listing_entry l LEFT JOIN body b ON b.body_id=l.description_body
  WHERE l.skill_id=?1 AND l.state IN('full','truncated','name_only') ORDER BY l.listing_id DESC LIMIT 1)sql";
constexpr char kUses[] = R"sql(
  SELECT count(*) FROM observation o JOIN session s ON s.session_pk=o.session_pk
  WHERE o.skill_id=(SELECT skill_id FROM skill WHERE name_key=?1) AND o.effective=1 AND o.outcome='triggered'
    AND s.platform=?2)sql";
constexpr char kSignals[] = R"sql(
  SELECT g.skill_id,k.name,g.kind,s.platform,coalesce(w.path,''),count(DISTINCT g.session_pk)
  FROM improvement_signal g INDEXED BY signal_newest CROSS JOIN skill k ON k.skill_id=g.skill_id
  CROSS JOIN session s ON s.session_pk=g.session_pk LEFT JOIN workspace w ON w.workspace_id=s.workspace_id
  WHERE g.state='pending' AND g.skill_id IS NOT NULL AND g.resolved=1 AND g.occurred_ms>=?1
  GROUP BY 1,3,4,5 ORDER BY 1,3,4,5)sql";
constexpr char kDeploys[] = R"sql(
  SELECT skill_id,deploy_id,proposal_id,coalesce(finished_ms,started_ms) FROM deploy d
  WHERE kind IN('deploy','publish') AND state='deployed'
    AND NOT EXISTS(SELECT 1 FROM deploy u WHERE u.undoes=d.deploy_id AND u.state='deployed')
  ORDER BY skill_id,started_ms DESC,deploy_id DESC)sql";
constexpr char kOpen[] = R"sql(
  SELECT skill_id,count(*) FROM proposal WHERE state IN('created','validated','approved') GROUP BY skill_id)sql";
constexpr char kWatches[] = R"sql(
  SELECT skill_id,deploy_id,state,drifting FROM watch ORDER BY skill_id,started_ms DESC,deploy_id DESC)sql";
constexpr char kCounts[] = R"sql(
  SELECT (SELECT value FROM counter WHERE name='sessions'),(SELECT value FROM counter WHERE name='prompts'),
    (SELECT coalesce(sum(triggered),0) FROM skill_total))sql";
constexpr char kNewest[] = R"sql(
  SELECT ended_ms FROM session WHERE strftime('%Y-%m-%dT%H:%M:%fZ',ended_ms/1000.0,'unixepoch')>''
  ORDER BY strftime('%Y-%m-%dT%H:%M:%fZ',ended_ms/1000.0,'unixepoch') DESC LIMIT 1)sql";
constexpr char kNth[] = R"sql(
  SELECT started_ms FROM session WHERE kind='main' AND coalesce(started_ms,0)>0
  ORDER BY coalesce(started_ms,0) DESC,session_pk DESC LIMIT 1 OFFSET ?1)sql";
constexpr char kPromptsWithout[] = R"sql(
  SELECT p.body_id,EXISTS(SELECT 1 FROM observation o WHERE o.prompt_pk=p.prompt_pk AND o.effective=1
      AND o.outcome='triggered')
  FROM prompt p JOIN session s ON s.session_pk=p.session_pk
  WHERE p.actionable=1 AND p.active=1 AND coalesce(p.occurred_ms,0)>=?1 AND coalesce(p.occurred_ms,0)<?2
    AND (?3='' OR s.platform=?3)
  ORDER BY coalesce(p.occurred_ms,0) DESC,p.prompt_pk DESC LIMIT ?4)sql";
constexpr char kBody[] = R"sql(SELECT sha256,text FROM body WHERE body_id=?1)sql";

}  // namespace

StatusOr<std::vector<SkillTotals>> ReadSkillTotals(Db& db) {
  std::vector<SkillTotals> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kTotals), [&](const Cursor& row) {
    out.push_back({.id = row.Key<SkillId>(0),
                   .name = row.String(1),
                   .checks = row.Int(2),
                   .triggered = row.Int(3),
                   .missed = row.Int(4),
                   .sessions = row.Int(5),
                   .last = row.OptTime(6),
                   .last_scope = row.String(7),
                   .autonomy = row.String(8),
                   .cooldown_until = row.OptTime(9),
                   .frozen_until = row.OptTime(10),
                   .met = row.Int(11) != 0});
  }));
  return out;
}

StatusOr<int64_t> CountUses(Db& db, std::string_view name, std::string_view platform) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kUses, base::AsciiLower(base::Trim(name)), platform));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  return found ? row.Int(0) : 0;
}

StatusOr<std::vector<SkillWindow>> ReadSkillWindows(Db& db, const TimeWindow& window) {
  const int64_t from = window.from.has_value() ? DayOf(*window.from) : INT64_MIN;
  int64_t to = INT64_MAX;
  if (window.to.has_value()) {
    // A window that ends at midnight does not reach into the next day.
    to = DayOf(*window.to);
    if (window.to->value == to * kDayMs) --to;
  }
  std::vector<SkillWindow> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kWindows, from, to), [&](const Cursor& row) {
    out.push_back({row.Key<SkillId>(0), row.Int(1), row.Int(2), row.Int(3), row.Int(4)});
  }));
  return out;
}

StatusOr<std::vector<std::pair<SkillId, int64_t>>> ReadMissesBefore(Db& db, UtcMillis when) {
  const int64_t day = DayOf(when);
  std::vector<std::pair<SkillId, int64_t>> out;
  ST_RETURN_IF_ERROR(
      ForEach(db.Query(kMissesBefore, day, day * kDayMs, when.value),
              [&](const Cursor& row) { out.emplace_back(row.Key<SkillId>(0), row.Int(1)); }));
  return out;
}

StatusOr<std::vector<SkillPlace>> ReadSkillPlaces(Db& db) {
  std::vector<SkillPlace> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kPlaces), [&](const Cursor& row) {
    out.push_back({.id = row.Key<SkillId>(0),
                   .path = row.String(1),
                   .scope = row.String(2),
                   .registry_dir = row.String(3),
                   .project_root = row.String(4),
                   .content_sha256 = std::string(row.Bytes(5)),
                   .implicit_allowed = row.OptBool(6),
                   .in_git = row.OptBool(7),
                   .first_seen = row.Time(8),
                   .real_path = row.String(9)});
  }));
  return out;
}

StatusOr<std::vector<std::pair<SkillId, std::string>>> ReadSkillPlatforms(Db& db) {
  std::vector<std::pair<SkillId, std::string>> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kPlatforms), [&](const Cursor& row) {
    out.emplace_back(row.Key<SkillId>(0), row.String(1));
  }));
  return out;
}

StatusOr<std::optional<int64_t>> ListedChars(Db& db, SkillId skill) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kListed, skill));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  return found ? row.OptInt(0) : std::nullopt;
}

StatusOr<std::vector<SignalWeight>> ReadSignalWeights(Db& db, UtcMillis since) {
  std::vector<SignalWeight> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kSignals, since), [&](const Cursor& row) {
    out.push_back({.id = row.Key<SkillId>(0),
                   .skill = row.String(1),
                   .kind = row.String(2),
                   .platform = row.String(3),
                   .cwd = row.String(4),
                   .sessions = row.Int(5)});
  }));
  return out;
}

StatusOr<std::vector<StandingDeploy>> ReadStandingDeploys(Db& db) {
  std::vector<StandingDeploy> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kDeploys), [&](const Cursor& row) {
    const auto id = row.Key<SkillId>(0);
    if (!out.empty() && out.back().id == id) return;  // an older one
    out.push_back({id, row.String(1), row.String(2), row.Time(3)});
  }));
  return out;
}

StatusOr<std::vector<std::pair<SkillId, int64_t>>> ReadOpenProposals(Db& db) {
  std::vector<std::pair<SkillId, int64_t>> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kOpen), [&](const Cursor& row) {
    out.emplace_back(row.Key<SkillId>(0), row.Int(1));
  }));
  return out;
}

StatusOr<std::vector<SkillWatch>> ReadSkillWatches(Db& db) {
  std::vector<SkillWatch> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kWatches), [&](const Cursor& row) {
    const auto id = row.Key<SkillId>(0);
    if (!out.empty() && out.back().id == id) return;
    out.push_back({id, row.String(1), row.String(2), row.Bool(3)});
  }));
  return out;
}

StatusOr<Counts> ReadCounts(Db& db) {
  Counts out;
  ST_RETURN_IF_ERROR(ForEach(
      db.Query(kCounts), [&](const Cursor& row) { out = {row.Int(0), row.Int(1), row.Int(2)}; }));
  return out;
}

StatusOr<std::optional<UtcMillis>> NewestEvidence(Db& db) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kNewest));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  return found ? row.OptTime(0) : std::nullopt;
}

StatusOr<std::optional<UtcMillis>> NthNewestSession(Db& db, int64_t n) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kNth, std::max<int64_t>(n, 1) - 1));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  return found ? row.OptTime(0) : std::nullopt;
}

StatusOr<Unmatched> ReadUnmatched(Db& db, const EvidenceScope& scope, int64_t limit, size_t top) {
  const WindowBounds bounds = BoundsOf(scope.window);
  Unmatched out;
  std::map<int64_t, std::pair<int64_t, int64_t>> bodies;  // count, place of the newest
  ST_RETURN_IF_ERROR(
      ForEach(db.Query(kPromptsWithout, bounds.from, bounds.to, scope.platform, limit + 1),
              [&](const Cursor& row) {
                if (out.prompts == limit) {
                  out.truncated = true;
                  return;
                }
                const int64_t place = out.prompts++;
                if (row.Bool(1)) return;
                ++out.count;
                const auto [it, added] = bodies.try_emplace(row.Int(0), 0, place);
                ++it->second.first;
              }));
  std::vector<std::pair<int64_t, std::pair<int64_t, int64_t>>> order(bodies.begin(), bodies.end());
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.second.first != b.second.first ? a.second.first > b.second.first
                                            : a.second.second < b.second.second;
  });
  if (order.size() > top) order.resize(top);
  for (const auto& [body, count] : order) {
    ST_RETURN_IF_ERROR(ForEach(db.Query(kBody, body), [&, &n = count.first](const Cursor& row) {
      out.top.push_back({base::Hex(row.Bytes(0)), row.String(1), n});
    }));
  }
  return out;
}

}  // namespace selftune::store
