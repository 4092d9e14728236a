#include "store/queries/v2_skill.h"

#include <set>
#include <string>
#include <vector>

#include "base/status_macros.h"
#include "store/queries/for_each.h"

namespace selftune::store {
namespace {

constexpr double kLowConfidence = 0.5;

constexpr char kSums[] = R"sql(
  SELECT coalesce(m.input_uncached,0)+coalesce(m.cache_read,0)+coalesce(m.cache_write,0),coalesce(m.output_tokens,0),
    coalesce(m.cache_read,0),coalesce(m.reasoning_tokens,0),s.ended_ms-s.started_ms,m.files_changed,coalesce(m.lines_added,0),
    coalesce(m.lines_removed,0),coalesce(m.artifacts,0),m.cost_micro_usd,s.workspace_id,coalesce(m.session_type,'unknown')
  FROM (SELECT session_pk FROM skill_session WHERE skill_id=?1 ORDER BY session_pk DESC LIMIT ?2) z
  CROSS JOIN session s ON s.session_pk=z.session_pk LEFT JOIN session_metric m ON m.session_pk=s.session_pk)sql";
constexpr char kRows[] = R"sql(
  SELECT o.skill_text,o.capture,p.kind,o.outcome,o.prompt_pk IS NOT NULL,o.query_body_id IS NOT NULL,o.mode IS NOT NULL,
    o.confidence,o.scope IS NOT NULL
  FROM observation o LEFT JOIN prompt p ON p.prompt_pk=o.prompt_pk
  WHERE o.effective=1 AND o.skill_id=?1 ORDER BY coalesce(o.occurred_ms,0) DESC,o.obs_pk DESC LIMIT ?2)sql";
constexpr char kSessions[] = R"sql(
  SELECT s.session_id,s.platform,s.model,s.agent_cli,s.branch,w.path,coalesce(s.completion,'unknown'),s.started_ms,s.ended_ms
  FROM (SELECT session_pk FROM skill_session WHERE skill_id=?1 ORDER BY session_pk DESC LIMIT ?2) z
  CROSS JOIN session s ON s.session_pk=z.session_pk LEFT JOIN workspace w ON w.workspace_id=s.workspace_id)sql";
constexpr char kPrompts[] = R"sql(
  SELECT b.text,p.kind,p.actionable,s.session_id,p.occurred_ms,
    EXISTS(SELECT 1 FROM observation o WHERE o.prompt_pk=p.prompt_pk AND o.skill_id=?1 AND o.effective=1)
  FROM (SELECT session_pk FROM skill_session WHERE skill_id=?1 ORDER BY session_pk DESC LIMIT ?2) z
  CROSS JOIN session s ON s.session_pk=z.session_pk CROSS JOIN prompt p ON p.session_pk=s.session_pk
  JOIN body b ON b.body_id=p.body_id ORDER BY z.session_pk DESC,p.seq DESC LIMIT ?3)sql";
constexpr char kCommits[] = R"sql(
  SELECT count(*),count(DISTINCT c.branch)
  FROM (SELECT session_pk FROM skill_session WHERE skill_id=?1 ORDER BY session_pk DESC LIMIT ?2) z
  CROSS JOIN vcs_commit c ON c.session_pk=z.session_pk)sql";
constexpr char kNewestCommits[] = R"sql(
  SELECT c.sha,c.title,c.branch,c.committed_ms
  FROM (SELECT session_pk FROM skill_session WHERE skill_id=?1 ORDER BY session_pk DESC LIMIT ?2) z
  CROSS JOIN vcs_commit c ON c.session_pk=z.session_pk ORDER BY c.committed_ms DESC,c.sha LIMIT ?3)sql";
constexpr char kCalls[] = R"sql(
  SELECT count(*),coalesce(sum(duration_ms),0) FROM llm_call WHERE skill_id=?1)sql";
constexpr char kRuns[] = R"sql(SELECT count(DISTINCT run_id) FROM job_action WHERE skill_id=?1)sql";
constexpr char kPolluted[] =
    R"sql(SELECT count(*) FROM observation WHERE skill_id=?1 AND polluted=1)sql";

// The reference's word for how a row came about.
std::string KindOf(std::string_view capture, std::string_view outcome) {
  if (capture == "legacy") return "legacy_materialized";
  if (capture != "repair") return "canonical";
  return outcome == "triggered" ? "repaired_trigger" : "repaired_contextual_miss";
}

}  // namespace

StatusOr<V2SessionSums> ReadV2SessionSums(Db& db, SkillId skill, int64_t newest) {
  V2SessionSums out;
  std::set<int64_t> workspaces;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kSums, skill, newest), [&](const Cursor& row) {
    ++out.sessions;
    out.input_tokens += row.Int(0);
    out.output_tokens += row.Int(1);
    out.cached_input += row.Int(2);
    out.reasoning_output += row.Int(3);
    out.with_duration += row.IsNull(4) ? 0 : 1;
    out.duration_ms += row.Int(4);
    out.with_files += row.IsNull(5) ? 0 : 1;
    out.files_changed += row.Int(5);
    out.lines_added += row.Int(6);
    out.lines_removed += row.Int(7);
    out.artifacts += row.Int(8);
    out.with_cost += row.IsNull(9) ? 0 : 1;
    out.cost_micro_usd += row.Int(9);
    if (!row.IsNull(10)) workspaces.insert(row.Int(10));
    ++out.types[row.String(11)];
  }));
  out.workspaces = static_cast<int64_t>(workspaces.size());
  return out;
}

StatusOr<V2RowFacts> ReadV2RowFacts(Db& db, SkillId skill, int64_t newest) {
  V2RowFacts out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kRows, skill, newest), [&](const Cursor& row) {
    ++out.rows;
    ++out.names[row.String(0)];
    ++out.captures[row.String(1)];
    ++out.prompt_kinds[row.String(2)];
    ++out.kinds[KindOf(row.Text(1), row.Text(3))];
    out.repaired += row.Text(1) == "repair" ? 1 : 0;
    out.legacy += row.Text(1) == "legacy" ? 1 : 0;
    out.with_prompt += row.Int(4);
    out.with_query += row.Int(5);
    out.with_mode += row.Int(6);
    out.with_confidence += row.IsNull(7) ? 0 : 1;
    out.low_confidence += !row.IsNull(7) && row.Double(7) < kLowConfidence ? 1 : 0;
    out.with_scope += row.Int(8);
  }));
  return out;
}

StatusOr<std::vector<V2SessionMeta>> ListV2Sessions(Db& db, SkillId skill, int64_t limit) {
  std::vector<V2SessionMeta> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kSessions, skill, limit), [&](const Cursor& row) {
    out.push_back({.session_id = row.String(0),
                   .platform = row.String(1),
                   .model = row.String(2),
                   .agent_cli = row.String(3),
                   .branch = row.String(4),
                   .workspace = row.String(5),
                   .completion = row.String(6),
                   .started = row.OptTime(7),
                   .ended = row.OptTime(8)});
  }));
  return out;
}

StatusOr<std::vector<V2PromptSample>> ListV2Prompts(Db& db, SkillId skill, int64_t sessions,
                                                    int64_t limit) {
  std::vector<V2PromptSample> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kPrompts, skill, sessions, limit), [&](const Cursor& row) {
    out.push_back({.text = row.OptString(0),
                   .kind = row.String(1),
                   .session_id = row.String(3),
                   .actionable = row.Bool(2),
                   .matched = row.Bool(5),
                   .at = row.OptTime(4)});
  }));
  return out;
}

StatusOr<V2Commits> ReadV2Commits(Db& db, SkillId skill, int64_t sessions, int64_t limit) {
  V2Commits out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kCommits, skill, sessions), [&](const Cursor& row) {
    out.total = row.Int(0);
    out.branches = row.Int(1);
  }));
  ST_RETURN_IF_ERROR(
      ForEach(db.Query(kNewestCommits, skill, sessions, limit), [&](const Cursor& row) {
        out.newest.push_back({.sha = row.String(0),
                              .title = row.String(1),
                              .branch = row.String(2),
                              .at = UtcMillis{row.Int(3)}});
      }));
  return out;
}

StatusOr<V2LoopCost> ReadV2LoopCost(Db& db, SkillId skill) {
  V2LoopCost out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kCalls, skill), [&](const Cursor& row) {
    out.llm_calls = row.Int(0);
    out.elapsed_ms = row.Int(1);
  }));
  ST_ASSIGN_OR_RETURN(out.runs, db.QueryInt(kRuns, 0, skill));
  return out;
}

StatusOr<int64_t> CountPolluted(Db& db, SkillId skill) { return db.QueryInt(kPolluted, 0, skill); }

}  // namespace selftune::store
