#include "store/queries/v2.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "store/queries/for_each.h"

namespace selftune::store {
namespace {

constexpr char kTelemetry[] = R"sql(
  SELECT s.session_pk,s.session_id,s.ended_ms,m.total_tool_calls,m.tool_errors
  FROM session s CROSS JOIN session_metric m ON m.session_pk=s.session_pk
  WHERE strftime('%Y-%m-%dT%H:%M:%fZ',s.ended_ms/1000.0,'unixepoch')>''
    AND strftime('%Y-%m-%dT%H:%M:%fZ',s.ended_ms/1000.0,'unixepoch')<=?1
    AND (strftime('%Y-%m-%dT%H:%M:%fZ',s.ended_ms/1000.0,'unixepoch')<?1 OR s.session_pk<?2)
  ORDER BY strftime('%Y-%m-%dT%H:%M:%fZ',s.ended_ms/1000.0,'unixepoch') DESC,s.session_pk DESC LIMIT ?3)sql";
constexpr char kTriggered[] = R"sql(
  SELECT DISTINCT skill_text FROM observation WHERE session_pk=?1 AND effective=1 AND outcome='triggered' ORDER BY 1)sql";

constexpr char kUsage[] = R"sql(
  SELECT o.obs_pk,o.occurred_ms,s.session_id,s.platform,o.skill_text,o.location,o.scope,o.capture,o.outcome,o.mode,
    o.tool_name,coalesce(o.agent_type,s.agent_type),p.kind,w.path,b.text,o.query_body_id IS NOT NULL,o.confidence,
    coalesce(s.ended_ms BETWEEN ?4 AND ?5,0)
  FROM observation o CROSS JOIN session s ON s.session_pk=o.session_pk
  LEFT JOIN prompt p ON p.prompt_pk=o.prompt_pk LEFT JOIN body b ON b.body_id=coalesce(p.body_id,o.query_body_id)
  LEFT JOIN workspace w ON w.workspace_id=s.workspace_id
  WHERE o.effective=1 AND coalesce(o.occurred_ms,0)<=?1 AND (coalesce(o.occurred_ms,0)<?1 OR o.obs_pk<?2)
  ORDER BY coalesce(o.occurred_ms,0) DESC,o.obs_pk DESC LIMIT ?3)sql";
constexpr char kUsageOfSkill[] = R"sql(
  SELECT o.obs_pk,o.occurred_ms,s.session_id,s.platform,o.skill_text,o.location,o.scope,o.capture,o.outcome,o.mode,
    o.tool_name,coalesce(o.agent_type,s.agent_type),p.kind,w.path,b.text,o.query_body_id IS NOT NULL,o.confidence,
    coalesce(s.ended_ms BETWEEN ?4 AND ?5,0)
  FROM observation o CROSS JOIN session s ON s.session_pk=o.session_pk
  LEFT JOIN prompt p ON p.prompt_pk=o.prompt_pk LEFT JOIN body b ON b.body_id=coalesce(p.body_id,o.query_body_id)
  LEFT JOIN workspace w ON w.workspace_id=s.workspace_id
  WHERE o.effective=1 AND o.skill_id=?6
    AND coalesce(o.occurred_ms,0)<=?1 AND (coalesce(o.occurred_ms,0)<?1 OR o.obs_pk<?2)
  ORDER BY coalesce(o.occurred_ms,0) DESC,o.obs_pk DESC LIMIT ?3)sql";

constexpr char kEvents[] = R"sql(
  SELECT e.occurred_ms,e.proposal_id,k.name,e.action,e.details,e.snapshot,e.validation,e.eval_set,
    coalesce(e.target,p.target,'description'),e.validation_mode,e.validation_agent,e.fixture_id,e.evidence_ref,
    p.rationale,p.confidence,ob.text,pb.text
  FROM evolution_event e LEFT JOIN skill k ON k.skill_id=e.skill_id LEFT JOIN proposal p ON p.proposal_id=e.proposal_id
  LEFT JOIN body ob ON ob.body_id=p.original_body LEFT JOIN body pb ON pb.body_id=p.proposed_body
  WHERE ?1=0 OR e.skill_id=?1 ORDER BY e.event_pk DESC LIMIT ?2)sql";

constexpr char kMissed[] = R"sql(
  SELECT o.occurred_ms,s.session_id,b.text,b.body_id
  FROM observation o CROSS JOIN session s ON s.session_pk=o.session_pk
  LEFT JOIN prompt p ON p.prompt_pk=o.prompt_pk LEFT JOIN body b ON b.body_id=coalesce(p.body_id,o.query_body_id)
  WHERE o.effective=1 AND o.outcome='missed'
  ORDER BY coalesce(o.occurred_ms,0) DESC,o.obs_pk DESC LIMIT ?1)sql";
constexpr char kTriggerTexts[] = R"sql(
  SELECT coalesce(p.body_id,o.query_body_id),o.outcome FROM observation o LEFT JOIN prompt p ON p.prompt_pk=o.prompt_pk
  WHERE o.effective=1 ORDER BY coalesce(o.occurred_ms,0) DESC,o.obs_pk DESC LIMIT ?1)sql";

constexpr char kCounts[] = R"sql(
  SELECT (SELECT value FROM counter WHERE name='telemetry'),(SELECT value FROM counter WHERE name='observations'),
    (SELECT count(*) FROM evolution_event),(SELECT value FROM counter WHERE name='evidence'),
    (SELECT value FROM counter WHERE name='sessions'),(SELECT value FROM counter WHERE name='prompts'))sql";
constexpr char kLive[] = R"sql(
  SELECT count(*) FROM session WHERE strftime('%Y-%m-%dT%H:%M:%fZ',ended_ms/1000.0,'unixepoch') BETWEEN ?1 AND ?2)sql";

constexpr char kSkills[] = R"sql(
  SELECT t.skill_id,k.name,t.last_scope,(SELECT path FROM skill_location l WHERE l.skill_id=t.skill_id ORDER BY l.last_ms DESC,path LIMIT 1),
    t.checks,t.triggered,t.missed,t.sessions,t.conf_n,t.conf_micro,t.first_ms,t.last_ms
  FROM skill_total t JOIN skill k ON k.skill_id=t.skill_id WHERE t.checks>0 AND (?1=0 OR t.skill_id=?1)
  ORDER BY t.checks DESC,t.last_ms DESC,k.name)sql";
constexpr char kEvals[] = R"sql(
  SELECT skill_id,count(*),max(last_ms) FROM eval_entry WHERE active=1 AND (?1=0 OR skill_id=?1) GROUP BY skill_id)sql";
constexpr char kReplays[] = R"sql(
  SELECT skill_id,count(*) FROM replay_result WHERE ?1=0 OR skill_id=?1 GROUP BY skill_id)sql";
constexpr char kLatest[] = R"sql(
  SELECT skill_id,count(*),max(event_pk),max(CASE WHEN validation_mode IS NOT NULL THEN event_pk END)
  FROM evolution_event WHERE skill_id IS NOT NULL AND (?1=0 OR skill_id=?1) GROUP BY skill_id)sql";
constexpr char kEvent[] =
    R"sql(SELECT action,occurred_ms,validation_mode FROM evolution_event WHERE event_pk=?1)sql";
constexpr char kOpenOf[] = R"sql(
  SELECT skill_id,count(*) FROM proposal WHERE state IN('created','validated','approved') AND (?1=0 OR skill_id=?1)
  GROUP BY skill_id)sql";
constexpr char kPending[] = R"sql(
  SELECT p.proposal_id,p.state,p.rationale,k.name,p.updated_ms FROM proposal p JOIN skill k ON k.skill_id=p.skill_id
  WHERE p.state IN('created','validated','approved') AND (?1=0 OR p.skill_id=?1)
  ORDER BY p.updated_ms DESC,p.proposal_id DESC LIMIT ?2)sql";

// Sorts behind every time there is.
constexpr std::string_view kEndOfTime = "~";

V2Usage UsageRow(const Cursor& row) {
  V2Usage out;
  out.id = row.Int(0);
  out.at = row.OptTime(1);
  out.session_id = row.String(2);
  out.platform = row.String(3);
  out.skill = row.String(4);
  out.path = row.String(5);
  out.scope = row.String(6);
  out.capture = row.String(7);
  out.outcome = row.String(8);
  out.mode = row.String(9);
  out.tool = row.String(10);
  out.agent_type = row.String(11);
  out.prompt_kind = row.String(12);
  out.workspace = row.String(13);
  out.query = row.OptString(14);
  out.own_query = row.Bool(15);
  out.confidence = row.OptDouble(16);
  out.live = row.Bool(17);
  return out;
}

Status AddLoop(Db& db, SkillId only, std::map<int64_t, V2Skill*>& skills) {
  const auto find = [&](const Cursor& row) -> V2Skill* {
    const auto at = skills.find(row.Int(0));
    return at == skills.end() ? nullptr : at->second;
  };
  const int64_t id = only.value;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kEvals, id), [&](const Cursor& row) {
    V2Skill* const skill = find(row);
    if (skill == nullptr) return;
    skill->eval_entries = row.Int(1);
    skill->latest_eval = row.OptTime(2);
  }));
  ST_RETURN_IF_ERROR(ForEach(db.Query(kReplays, id), [&](const Cursor& row) {
    if (V2Skill* const skill = find(row)) skill->replays = row.Int(1);
  }));
  ST_RETURN_IF_ERROR(ForEach(db.Query(kOpenOf, id), [&](const Cursor& row) {
    if (V2Skill* const skill = find(row)) skill->pending = row.Int(1);
  }));
  std::vector<std::pair<V2Skill*, std::pair<int64_t, int64_t>>> latest;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kLatest, id), [&](const Cursor& row) {
    V2Skill* const skill = find(row);
    if (skill == nullptr) return;
    skill->evolution_rows = row.Int(1);
    latest.push_back({skill, {row.Int(2), row.Int(3)}});
  }));
  for (const auto& [skill, events] : latest) {
    ST_RETURN_IF_ERROR(ForEach(db.Query(kEvent, events.first), [&, &s = skill](const Cursor& row) {
      s->latest_action = row.String(0);
      s->latest_evolution = row.OptTime(1);
    }));
    ST_RETURN_IF_ERROR(ForEach(db.Query(kEvent, events.second), [&, &s = skill](const Cursor& row) {
      s->latest_validation_mode = row.String(2);
    }));
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::vector<V2Telemetry>> ListV2Telemetry(Db& db, const V2Place& behind, int64_t limit) {
  const std::string before =
      behind.at.value == INT64_MAX ? std::string(kEndOfTime) : FormatRfc3339(behind.at);
  std::vector<V2Telemetry> out;
  ST_RETURN_IF_ERROR(
      ForEach(db.Query(kTelemetry, before, behind.id, limit), [&](const Cursor& row) {
        out.push_back({.id = row.Int(0),
                       .session_id = row.String(1),
                       .at = row.Time(2),
                       .tool_calls = row.Int(3),
                       .errors = row.Int(4),
                       .skills = {}});
      }));
  for (V2Telemetry& item : out) {
    ST_RETURN_IF_ERROR(ForEach(db.Query(kTriggered, item.id),
                               [&](const Cursor& row) { item.skills.push_back(row.String(0)); }));
  }
  return out;
}

StatusOr<std::vector<V2Usage>> ListV2Usage(Db& db, SkillId skill, const V2Place& behind,
                                           int64_t limit, const LiveWindow& live) {
  std::vector<V2Usage> out;
  const auto add = [&](const Cursor& row) { out.push_back(UsageRow(row)); };
  if (skill) {
    ST_RETURN_IF_ERROR(ForEach(
        db.Query(kUsageOfSkill, behind.at, behind.id, limit, live.from, live.to, skill), add));
  } else {
    ST_RETURN_IF_ERROR(
        ForEach(db.Query(kUsage, behind.at, behind.id, limit, live.from, live.to), add));
  }
  return out;
}

StatusOr<std::vector<V2Event>> ListV2Events(Db& db, SkillId skill, int64_t limit) {
  std::vector<V2Event> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kEvents, skill.value, limit), [&](const Cursor& row) {
    out.push_back({.at = row.Time(0),
                   .proposal_id = row.String(1),
                   .skill = row.String(2),
                   .action = row.String(3),
                   .details = row.String(4),
                   .snapshot = row.String(5),
                   .validation = row.String(6),
                   .eval_set = row.String(7),
                   .target = row.String(8),
                   .validation_mode = row.String(9),
                   .validation_agent = row.String(10),
                   .fixture_id = row.String(11),
                   .evidence_ref = row.String(12),
                   .rationale = row.String(13),
                   .confidence = row.OptDouble(14),
                   .original = row.OptString(15),
                   .proposed = row.OptString(16)});
  }));
  return out;
}

StatusOr<std::vector<V2Miss>> ListV2Unmatched(Db& db, int64_t limit, int64_t compared) {
  std::vector<V2Miss> out;
  std::vector<int64_t> texts;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kMissed, limit), [&](const Cursor& row) {
    out.push_back({.at = row.OptTime(0), .session_id = row.String(1), .query = row.OptString(2)});
    texts.push_back(row.Int(3));
  }));
  if (out.empty()) return out;
  std::set<int64_t> triggered;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kTriggerTexts, compared), [&](const Cursor& row) {
    if (row.Text(1) == "triggered" && !row.IsNull(0)) triggered.insert(row.Int(0));
  }));
  std::vector<V2Miss> kept;
  for (size_t i = 0; i < out.size(); ++i) {
    if (!triggered.contains(texts[i])) kept.push_back(std::move(out[i]));
  }
  return kept;
}

StatusOr<V2Counts> ReadV2Counts(Db& db) {
  V2Counts out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kCounts), [&](const Cursor& row) {
    out = {row.Int(0), row.Int(1), row.Int(2), row.Int(3), row.Int(4), row.Int(5)};
  }));
  return out;
}

StatusOr<int64_t> CountLiveSessions(Db& db, const LiveWindow& live) {
  return db.QueryInt(kLive, 0, FormatRfc3339(live.from), FormatRfc3339(live.to));
}

StatusOr<std::vector<V2Skill>> ReadV2Skills(Db& db, SkillId skill) {
  std::vector<V2Skill> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kSkills, skill.value), [&](const Cursor& row) {
    V2Skill item;
    item.id = row.Key<SkillId>(0);
    item.name = row.String(1);
    item.scope = row.String(2);
    item.path = row.String(3);
    item.checks = row.Int(4);
    item.triggered = row.Int(5);
    item.missed = row.Int(6);
    item.sessions = row.Int(7);
    item.with_confidence = row.Int(8);
    item.confidence_sum = static_cast<double>(row.Int(9)) / 1e6;
    item.first = row.OptTime(10);
    item.last = row.OptTime(11);
    out.push_back(std::move(item));
  }));
  std::map<int64_t, V2Skill*> by_id;
  for (V2Skill& item : out) by_id[item.id.value] = &item;
  ST_RETURN_IF_ERROR(AddLoop(db, skill, by_id));
  return out;
}

StatusOr<std::vector<V2Proposal>> ListV2Pending(Db& db, SkillId skill, int64_t limit) {
  std::vector<V2Proposal> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kPending, skill.value, limit), [&](const Cursor& row) {
    out.push_back({.proposal_id = row.String(0),
                   .action = row.String(1),
                   .details = row.String(2),
                   .skill = row.String(3),
                   .at = row.Time(4)});
  }));
  return out;
}

}  // namespace selftune::store
