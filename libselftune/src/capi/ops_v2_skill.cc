// status.skill_v2: the page of a skill in the v2 interface of the dashboard.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/json_writer.h"
#include "base/status_macros.h"
#include "capi/envelope.h"
#include "capi/ops.h"
#include "capi/readout.h"
#include "capi/v2_writing.h"
#include "evolution/quality.h"
#include "status/v2_rules.h"
#include "store/db.h"
#include "store/queries/skills.h"
#include "store/queries/v2.h"
#include "store/queries/v2_skill.h"
#include "store/watch_rows.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;
using v2::Share;

constexpr int64_t kSessionsSummed = 2000;
constexpr int64_t kRowsLookedAt = 1000;
constexpr int64_t kInvocations = 100;
constexpr int64_t kEvidence = 50;
constexpr int64_t kEvolution = 100;
constexpr int64_t kPending = 100;
constexpr int64_t kPromptSessions = 10;
constexpr int64_t kPrompts = 50;
constexpr int64_t kSessions = 50;
constexpr size_t kExamples = 10;
constexpr int64_t kFewChecks = 5;

// What the report is made from.
struct Facts {
  store::V2Skill skill;  // all zero for one that was never used
  store::V2RowFacts rows;
  store::V2SessionSums sums;
  std::vector<store::V2Usage> newest, page;
  std::vector<store::V2Event> events;
  std::vector<store::V2Proposal> pending;
  int64_t polluted = 0;
  bool more = false;
};

StatusOr<Facts> ReadFacts(Context& context, store::Db& db, const store::SkillRef& ref,
                          const JsonValue& params) {
  Facts out;
  out.skill.id = ref.id;
  out.skill.name = ref.name;
  ST_ASSIGN_OR_RETURN(const auto found, store::ReadV2Skills(db, ref.id));
  if (!found.empty()) out.skill = found.front();
  ST_ASSIGN_OR_RETURN(out.rows, store::ReadV2RowFacts(db, ref.id, kRowsLookedAt));
  ST_ASSIGN_OR_RETURN(out.sums, store::ReadV2SessionSums(db, ref.id, kSessionsSummed));
  ST_ASSIGN_OR_RETURN(out.polluted, store::CountPolluted(db, ref.id));
  const store::LiveWindow live = v2::LiveAt(context.now());
  ST_ASSIGN_OR_RETURN(out.newest, store::ListV2Usage(db, ref.id, {}, kInvocations, live));
  const int64_t limit = v2::LimitOf(params["invocations_limit"], kInvocations);
  const store::V2Place behind = v2::PlaceOf(params["invocations_cursor"]);
  ST_ASSIGN_OR_RETURN(out.page, store::ListV2Usage(db, ref.id, behind, limit + 1, live));
  out.more = static_cast<int64_t>(out.page.size()) > limit;
  if (out.more) out.page.pop_back();
  ST_ASSIGN_OR_RETURN(out.events, store::ListV2Events(db, ref.id, kEvolution));
  ST_ASSIGN_OR_RETURN(out.pending, store::ListV2Pending(db, ref.id, kPending));
  return out;
}

void WriteUsage(JsonWriter& out, const Facts& facts, const Context& context) {
  out.Key("usage")
      .BeginObject()
      .Field("total_checks", facts.skill.checks)
      .Field("triggered_count", facts.skill.triggered)
      .Field("pass_rate", Share(facts.skill.triggered, facts.skill.checks))
      .EndObject();
  out.Key("recent_invocations").BeginArray();
  for (const store::V2Usage& row : facts.newest) {
    out.BeginObject();
    v2::WriteInvocation(out, row, context);
    out.EndObject();
  }
  out.EndArray();
}

void OptText(JsonWriter& out, std::string_view key, const std::optional<std::string>& text) {
  TextOrNull(out, key, text.value_or(""));
}

void WriteEvidence(JsonWriter& out, const Facts& facts) {
  out.Key("evidence").BeginArray();
  for (size_t i = 0; i < facts.events.size() && i < static_cast<size_t>(kEvidence); ++i) {
    const store::V2Event& event = facts.events[i];
    out.BeginObject()
        .Field("proposal_id", event.proposal_id)
        .Field("target", event.target)
        .Field("stage", event.action)
        .Field("timestamp", event.at);
    TextOrNull(out, "rationale", event.rationale);
    out.Field("confidence", event.confidence);
    OptText(out, "original_text", event.original);
    OptText(out, "proposed_text", event.proposed);
    v2::RawOrNull(out, "validation", event.validation);
    TextOrNull(out, "details", event.details);
    const auto entries = JsonValue::Parse(event.eval_set);
    out.Key("eval_set").Raw(entries.ok() && entries->is_array() ? entries->ToJson() : "[]");
    out.EndObject();
  }
  out.EndArray().Field("sessions_with_skill", facts.skill.sessions);
}

void WriteEvolution(JsonWriter& out, const Facts& facts) {
  out.Key("evolution").BeginArray();
  for (const store::V2Event& event : facts.events) {
    out.BeginObject()
        .Field("timestamp", event.at)
        .Field("proposal_id", event.proposal_id)
        .Field("action", event.action)
        .Field("details", event.details);
    v2::RawOrNull(out, "eval_snapshot", event.snapshot);
    TextOrNull(out, "validation_mode", event.validation_mode);
    TextOrNull(out, "validation_agent", event.validation_agent);
    TextOrNull(out, "validation_fixture_id", event.fixture_id);
    TextOrNull(out, "validation_evidence_ref", event.evidence_ref);
    out.EndObject();
  }
  out.EndArray().Key("pending_proposals").BeginArray();
  for (const store::V2Proposal& proposal : facts.pending) {
    out.BeginObject()
        .Field("proposal_id", proposal.proposal_id)
        .Field("action", proposal.action)
        .Field("timestamp", proposal.at)
        .Field("details", proposal.details)
        .EndObject();
  }
  out.EndArray();
}

void WriteInvocations(JsonWriter& out, const Facts& facts, const Context& context) {
  out.Key("canonical_invocations").BeginArray();
  for (const store::V2Usage& row : facts.page) {
    out.BeginObject().Field("skill_name", row.skill);
    v2::WriteInvocation(out, row, context);
    TextOrNull(out, "invocation_mode", row.mode);
    out.Field("confidence", row.confidence);
    TextOrNull(out, "tool_name", row.tool);
    TextOrNull(out, "agent_type", row.agent_type);
    TextOrNull(out, "skill_path", row.path);
    TextOrNull(out, "skill_scope", row.scope);
    out.Field("observation_kind", v2::KindOf(row)).NullField("historical_context").EndObject();
  }
  out.EndArray().Key("invocations_pagination").BeginObject();
  v2::WriteNext(out, facts.more, facts.page.empty() ? std::nullopt : facts.page.back().at,
                facts.page.empty() ? 0 : facts.page.back().id);
  out.EndObject();
}

void WriteSums(JsonWriter& out, const Facts& facts) {
  const store::V2SessionSums& sums = facts.sums;
  const double cost = static_cast<double>(sums.cost_micro_usd) / 1e6;
  out.Key("token_usage")
      .BeginObject()
      .Field("total_input_tokens", sums.input_tokens)
      .Field("total_output_tokens", sums.output_tokens)
      .EndObject();
  out.Key("duration_stats")
      .BeginObject()
      .Field("avg_duration_ms", Share(sums.duration_ms, sums.with_duration))
      .Field("total_duration_ms", sums.duration_ms)
      .Field("execution_count", sums.sessions)
      .Field("missed_triggers", facts.skill.missed)
      .EndObject();
  out.Key("execution_metrics")
      .BeginObject()
      .Field("avg_files_changed", Share(sums.files_changed, sums.with_files))
      .Field("total_lines_added", sums.lines_added)
      .Field("total_lines_removed", sums.lines_removed)
      .Field("total_cost_usd", cost)
      .Field("avg_cost_usd", sums.with_cost == 0 ? 0 : cost / static_cast<double>(sums.with_cost))
      .Field("cached_input_tokens_total", sums.cached_input)
      .Field("reasoning_output_tokens_total", sums.reasoning_output)
      .Field("artifact_count", sums.artifacts)
      .Key("session_type_distribution")
      .BeginObject();
  for (const auto& [type, count] : sums.types) out.Field(type, count);
  out.EndObject().EndObject();
}

Status WriteLoopCost(JsonWriter& out, store::Db& db, store::SkillId skill) {
  ST_ASSIGN_OR_RETURN(const store::V2LoopCost cost, store::ReadV2LoopCost(db, skill));
  out.Key("selftune_stats")
      .BeginObject()
      .Field("total_llm_calls", cost.llm_calls)
      .Field("total_elapsed_ms", cost.elapsed_ms)
      .Field("avg_elapsed_ms", Share(cost.elapsed_ms, cost.llm_calls))
      .Field("run_count", cost.runs)
      .EndObject();
  return absl::OkStatus();
}

Status WriteSamples(JsonWriter& out, store::Db& db, store::SkillId skill, const Context& context) {
  ST_ASSIGN_OR_RETURN(const auto prompts,
                      store::ListV2Prompts(db, skill, kPromptSessions, kPrompts));
  out.Key("prompt_samples").BeginArray();
  for (const store::V2PromptSample& prompt : prompts) {
    out.BeginObject();
    PromptText(out, "prompt_text", prompt.text, context, /*raw=*/false);
    out.Field("prompt_kind", prompt.kind)
        .Field("is_actionable", prompt.actionable)
        .Field("occurred_at", prompt.at)
        .Field("session_id", prompt.session_id)
        .Field("is_matched", prompt.matched)
        .EndObject();
  }
  out.EndArray();
  ST_ASSIGN_OR_RETURN(const auto sessions, store::ListV2Sessions(db, skill, kSessions));
  out.Key("session_metadata").BeginArray();
  for (const store::V2SessionMeta& session : sessions) {
    out.BeginObject().Field("session_id", session.session_id).Field("platform", session.platform);
    TextOrNull(out, "model", session.model);
    TextOrNull(out, "agent_cli", session.agent_cli);
    TextOrNull(out, "branch", session.branch);
    TextOrNull(out, "workspace_path", session.workspace);
    out.Field("started_at", session.started)
        .Field("ended_at", session.ended)
        .Field("completion_status", session.completion)
        .EndObject();
  }
  out.EndArray();
  return absl::OkStatus();
}

Status WriteQuality(JsonWriter& out, store::Db& db, const store::SkillRef& skill) {
  ST_ASSIGN_OR_RETURN(const auto locations, store::ReadSkillLocations(db, skill.id));
  if (locations.empty() || !locations.front().has_description) {
    out.NullField("description_quality");
    return absl::OkStatus();
  }
  const evolution::DescriptionQuality quality =
      evolution::ScoreDescription(locations.front().description, skill.name);
  out.Key("description_quality")
      .BeginObject()
      .Field("composite", quality.composite)
      .Key("criteria")
      .BeginObject()
      .Field("length", quality.length)
      .Field("trigger_context", quality.trigger_context)
      .Field("vagueness", quality.vagueness)
      .Field("specificity", quality.specificity)
      .Field("not_just_name", quality.not_just_name)
      .EndObject()
      .EndObject();
  return absl::OkStatus();
}

int64_t CountOf(const std::map<std::string, int64_t>& counts, const std::string& key) {
  const auto at = counts.find(key);
  return at == counts.end() ? 0 : at->second;
}

// Prompts that agents and automation wrote.
int64_t InternalRows(const store::V2RowFacts& rows) {
  return rows.with_prompt - CountOf(rows.prompt_kinds, "user");
}

// The state of the reference's report, and a sentence for it.
std::pair<std::string_view, std::string> TrustOf(const Facts& facts) {
  const double linked = Share(facts.rows.with_prompt, facts.rows.rows);
  const double polluted = Share(facts.polluted, facts.skill.checks + facts.polluted);
  const std::string& latest = facts.skill.latest_action;
  if (facts.skill.checks < kFewChecks) {
    return {"low_sample", fmt::format("only {} checks so far", facts.skill.checks)};
  }
  if (latest == "deployed" || latest == "rolled_back" || latest == "validated") {
    const std::string_view state = latest == "deployed"      ? "deployed"
                                   : latest == "rolled_back" ? "rolled_back"
                                                             : "validated";
    return {state, fmt::format("its last change was {}",
                               latest == "rolled_back" ? "rolled back" : latest)};
  }
  if (latest == "created" || latest == "approved") {
    return {"validated", "a change is on its way"};
  }
  if (facts.skill.missed > 0 || polluted > 0.1 || linked < 0.3) {
    return {"watch", fmt::format("{} missed of {} checks", facts.skill.missed, facts.skill.checks)};
  }
  const std::string_view evidence = linked > 0.7 ? "strong" : linked > 0.4 ? "moderate" : "sparse";
  return {"observed", fmt::format("{} evidence: {} checks in {} sessions", evidence,
                                  facts.skill.checks, facts.skill.sessions)};
}

void WriteTrust(JsonWriter& out, const Facts& facts) {
  const auto [state, summary] = TrustOf(facts);
  out.Key("trust").BeginObject().Field("state", state).Field("summary", summary).EndObject();
  out.Key("coverage")
      .BeginObject()
      .Field("checks", facts.skill.checks)
      .Field("sessions", facts.skill.sessions)
      .Field("workspaces", facts.sums.workspaces)
      .Field("first_seen", facts.skill.first)
      .Field("last_seen", facts.skill.last)
      .EndObject();
}

void WriteEvidenceQuality(JsonWriter& out, const Facts& facts) {
  const store::V2RowFacts& rows = facts.rows;
  out.Key("evidence_quality")
      .BeginObject()
      .Field("prompt_link_rate", Share(rows.with_prompt, rows.rows))
      .Field("inline_query_rate", Share(rows.with_query, rows.rows))
      .Field("user_prompt_rate", Share(CountOf(rows.prompt_kinds, "user"), rows.rows))
      .Field("meta_prompt_rate", Share(CountOf(rows.prompt_kinds, "agent"), rows.rows))
      .Field("internal_prompt_rate", Share(CountOf(rows.prompt_kinds, "automation"), rows.rows))
      .Field("no_prompt_rate", Share(rows.rows - rows.with_prompt, rows.rows))
      .Field("system_like_rate", Share(facts.polluted, facts.skill.checks + facts.polluted))
      .Field("invocation_mode_coverage", Share(rows.with_mode, rows.rows))
      .Field("confidence_coverage", Share(rows.with_confidence, rows.rows))
      .Field("source_coverage", Share(rows.rows, rows.rows))
      .Field("scope_coverage", Share(rows.with_scope, rows.rows))
      .EndObject();
}

void WriteRouting(JsonWriter& out, const Facts& facts) {
  const store::V2Skill& skill = facts.skill;
  out.Key("routing_quality")
      .BeginObject()
      .Field("missed_triggers", skill.missed)
      .Field("miss_rate", Share(skill.missed, skill.checks));
  if (skill.with_confidence > 0) {
    out.Field("avg_confidence", skill.confidence_sum / static_cast<double>(skill.with_confidence));
  } else {
    out.NullField("avg_confidence");
  }
  out.Field("confidence_coverage", Share(skill.with_confidence, skill.checks));
  if (facts.rows.with_confidence > 0) {
    out.Field("low_confidence_rate", Share(facts.rows.low_confidence, facts.rows.with_confidence));
  } else {
    out.NullField("low_confidence_rate");
  }
  out.EndObject().Key("evolution_state").BeginObject();
  out.Field("has_evidence", skill.evolution_rows > 0)
      .Field("has_pending_proposals", skill.pending > 0);
  TextOrNull(out, "latest_action", skill.latest_action);
  out.Field("latest_timestamp", skill.latest_evolution)
      .Field("evidence_rows", skill.evolution_rows)
      .Field("evolution_rows", skill.evolution_rows)
      .EndObject();
}

void WriteBreakdown(JsonWriter& out, std::string_view key, std::string_view name,
                    const std::map<std::string, int64_t>& counts) {
  out.Key(key).BeginArray();
  for (const auto& [word, count] : counts) {
    out.BeginObject().Field(name, word.empty() ? "none" : word).Field("count", count).EndObject();
  }
  out.EndArray();
}

void WriteHygiene(JsonWriter& out, const Facts& facts) {
  const store::V2RowFacts& rows = facts.rows;
  out.Key("data_hygiene").BeginObject().Key("naming_variants").BeginArray();
  for (const auto& [name, count] : rows.names) out.String(name);
  out.EndArray();
  WriteBreakdown(out, "source_breakdown", "source", rows.captures);
  WriteBreakdown(out, "prompt_kind_breakdown", "kind", rows.prompt_kinds);
  WriteBreakdown(out, "observation_breakdown", "kind", rows.kinds);
  const int64_t internal = InternalRows(rows);
  out.Field("raw_checks", facts.skill.checks + facts.polluted)
      .Field("operational_checks", facts.skill.checks)
      .Field("internal_prompt_rows", internal)
      .Field("internal_prompt_rate", Share(internal, rows.rows))
      .Field("legacy_rows", rows.legacy)
      .Field("legacy_rate", Share(rows.legacy, rows.rows))
      .Field("repaired_rows", rows.repaired)
      .Field("repaired_rate", Share(rows.repaired, rows.rows))
      .EndObject();
}

bool IsNoisy(const store::V2Usage& row) {
  return !row.query.has_value() || (!row.prompt_kind.empty() && row.prompt_kind != "user");
}

template <typename Fits>
void WriteExamples(JsonWriter& out, std::string_view key, const Facts& facts,
                   const Context& context, Fits&& fits) {
  out.Key(key).BeginArray();
  size_t shown = 0;
  for (const store::V2Usage& row : facts.newest) {
    if (shown == kExamples) break;
    if (!fits(row)) continue;
    ++shown;
    const std::string_view origin = !row.query.has_value() ? "missing"
                                    : row.own_query        ? "inline_query"
                                                           : "matched_prompt";
    out.BeginObject().Field("timestamp", row.at).Field("session_id", row.session_id);
    PromptText(out, "query_text", row.query, context, /*raw=*/false);
    out.Field("triggered", row.triggered()).Field("confidence", row.confidence);
    TextOrNull(out, "invocation_mode", row.mode);
    TextOrNull(out, "prompt_kind", row.prompt_kind);
    out.Field("source", row.capture).Field("platform", row.platform);
    TextOrNull(out, "workspace_path", row.workspace);
    // Polluted rows are never effective, so that none of these looks like one.
    out.Field("query_origin", origin)
        .Field("is_system_like", false)
        .Field("observation_kind", v2::KindOf(row))
        .NullField("historical_context")
        .EndObject();
  }
  out.EndArray();
}

void WriteAllExamples(JsonWriter& out, const Facts& facts, const Context& context) {
  out.Key("examples").BeginObject();
  WriteExamples(out, "good", facts, context,
                [](const auto& row) { return row.triggered() && !IsNoisy(row); });
  WriteExamples(out, "missed", facts, context,
                [](const auto& row) { return row.outcome == "missed"; });
  WriteExamples(out, "noisy", facts, context, [](const auto& row) { return IsNoisy(row); });
  out.EndObject();
}

void WriteReadiness(JsonWriter& out, const store::V2Skill& skill) {
  const status::v2::Readiness readiness = status::v2::ReadinessOf(skill);
  const bool deployable =
      readiness.deployment == "ready_to_deploy" || readiness.deployment == "watching";
  out.Key("testing_readiness")
      .BeginObject()
      .Field("skill_name", skill.name)
      .Field("eval_readiness", readiness.evals)
      .Field("next_step", readiness.next_step)
      .Field("summary", readiness.summary)
      .Field("recommended_command", JoinCommand(readiness.command));
  TextOrNull(out, "skill_path", skill.path);
  out.Field("trusted_trigger_count", skill.triggered)
      .Field("trusted_session_count", skill.sessions)
      .Field("eval_set_entries", skill.eval_entries)
      .Field("latest_eval_at", skill.latest_eval)
      .Field("unit_test_cases", int64_t{0})
      .NullField("unit_test_pass_rate")
      .NullField("unit_test_ran_at")
      .Field("replay_check_count", skill.replays);
  TextOrNull(out, "latest_validation_mode", skill.latest_validation_mode);
  out.Field("baseline_sample_size", int64_t{0})
      .NullField("baseline_pass_rate")
      .NullField("latest_baseline_at")
      .Field("deployment_readiness", readiness.deployment)
      .Field("deployment_summary", readiness.deployment_summary);
  TextOrNull(out, "deployment_command",
             deployable ? JoinCommand(readiness.command) : std::string());
  TextOrNull(out, "latest_evolution_action", skill.latest_action);
  out.Field("latest_evolution_at", skill.latest_evolution).EndObject();
}

// Good of the sessions that the newest watch judged.
Status WriteWatch(JsonWriter& out, store::Db& db, const std::string& skill) {
  ST_ASSIGN_OR_RETURN(const auto watches, store::ListWatches(db, skill, /*open_only=*/false));
  const int64_t judged = watches.empty() ? 0 : watches.front().s + watches.front().f;
  Rate(out, "watch_trust_score", judged == 0 ? 0 : watches.front().s, judged);
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::string> StatusSkillV2(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(const store::SkillRef skill, NeededSkillOf(*db, params));
  ST_ASSIGN_OR_RETURN(const Facts facts, ReadFacts(context, *db, skill, params));
  JsonWriter out;
  out.BeginObject().Field("skill_name", skill.name);
  WriteUsage(out, facts, context);
  WriteEvidence(out, facts);
  WriteEvolution(out, facts);
  WriteInvocations(out, facts, context);
  WriteSums(out, facts);
  ST_RETURN_IF_ERROR(v2::WriteCommits(out, *db, skill.id));
  ST_RETURN_IF_ERROR(WriteLoopCost(out, *db, skill.id));
  ST_RETURN_IF_ERROR(WriteSamples(out, *db, skill.id, context));
  ST_RETURN_IF_ERROR(WriteQuality(out, *db, skill));
  WriteTrust(out, facts);
  WriteEvidenceQuality(out, facts);
  WriteRouting(out, facts);
  WriteHygiene(out, facts);
  WriteAllExamples(out, facts, context);
  WriteReadiness(out, facts.skill);
  out.NullField("create_readiness");
  ST_RETURN_IF_ERROR(WriteWatch(out, *db, skill.name));
  out.NullField("frontier_state").EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
