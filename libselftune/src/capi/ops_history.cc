// proposal.list, proposal.show, deploy.list, orchestrate.runs, llm.usage: what
// the improvement loop did.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "capi/model_params.h"
#include "capi/ops.h"
#include "capi/readout.h"
#include "capi/text_diff.h"
#include "store/audit_chain.h"
#include "store/db.h"
#include "store/deploy_rows.h"
#include "store/evolution_log.h"
#include "store/llm_rows.h"
#include "store/queries/runs.h"
#include "store/queries/usage.h"
#include "store/watch_rows.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;
using store::ProposalItem;

constexpr double kMicro = 1e6;
constexpr size_t kShownCursor = 64;

std::optional<int64_t> TokensOf(const store::UsageRow& row) {
  if (!row.input_tokens.has_value() && !row.output_tokens.has_value()) return std::nullopt;
  return row.input_tokens.value_or(0) + row.output_tokens.value_or(0);
}

void WriteNumbers(JsonWriter& out, const ProposalItem& proposal) {
  TextOrNull(out, "tier", proposal.tier);
  out.Field("gains", proposal.gains)
      .Field("losses", proposal.losses)
      .Field("holdout", proposal.holdout)
      .Field("p", proposal.p)
      .Field("alpha", proposal.alpha);
}

void WriteProposalHead(JsonWriter& out, const ProposalItem& proposal) {
  out.Field("proposal_id", proposal.proposal_id)
      .Field("skill", proposal.skill)
      .Field("target", proposal.target);
  TextOrNull(out, "path", proposal.location);
  out.Field("state", proposal.state);
  TextOrNull(out, "rationale", proposal.rationale);
  TextOrNull(out, "reason_code", proposal.reason_code);
  out.Field("confidence", proposal.confidence);
  WriteNumbers(out, proposal);
  out.Field("created", proposal.created).Field("updated", proposal.updated);
}

// The chain as it was written, where it is about this proposal or about all of
// them; what does not fit is named.
StatusOr<std::string> ChainProblem(store::Db& db, const std::string& proposal_id) {
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> problems, store::CheckChains(db));
  const std::string prefix = "proposal " + proposal_id + ":";
  for (const std::string& problem : problems) {
    if (problem.starts_with(prefix) || problem.starts_with("audit:")) return problem;
  }
  return std::string();
}

Status WriteTest(JsonWriter& out, store::Db& db, const std::string& proposal_id) {
  ST_ASSIGN_OR_RETURN(const auto test, store::ReadProposalTest(db, proposal_id));
  if (!test.has_value()) {
    out.NullField("test").Key("per_entry").BeginArray().EndArray();
    return absl::OkStatus();
  }
  const auto validation = JsonValue::Parse(test->validation);
  const JsonValue none;
  const JsonValue& read = validation.ok() ? *validation : none;
  out.Key("test").BeginObject().Field("step", test->action);
  TextOrNull(out, "mode", test->mode);
  TextOrNull(out, "agent", test->agent);
  out.Field("iterations", test->iterations);
  for (const char* key : {"counted", "invalid", "flaky"}) {
    if (read[key].is_int()) {
      out.Field(key, read[key].AsInt());
    } else {
      out.NullField(key);
    }
  }
  const auto snapshot = JsonValue::Parse(test->snapshot);
  if (snapshot.ok() && snapshot->is_object()) {
    out.Key("snapshot").Raw(test->snapshot);
  } else {
    out.NullField("snapshot");
  }
  out.EndObject().Key("per_entry").BeginArray();
  for (const JsonValue& entry : read["per_entry"].items()) {
    if (entry.is_object()) out.Raw(entry.ToJson());
  }
  out.EndArray();
  return absl::OkStatus();
}

Status WriteAudit(JsonWriter& out, store::Db& db, const std::string& proposal_id) {
  ST_ASSIGN_OR_RETURN(const auto events, store::ReadEvolution(db, proposal_id));
  out.Key("audit").BeginArray();
  for (const store::EvolutionEventItem& event : events) {
    out.BeginObject()
        .Field("event_id", event.event_id)
        .Field("action", event.action)
        .Field("at", event.at);
    TextOrNull(out, "details", event.details);
    TextOrNull(out, "run_id", event.run_id);
    out.Field("hash", event.hash).EndObject();
  }
  out.EndArray();
  ST_ASSIGN_OR_RETURN(const std::string problem, ChainProblem(db, proposal_id));
  out.Field("chain_ok", problem.empty());
  TextOrNull(out, "chain_problem", problem);
  return absl::OkStatus();
}

void WriteWatch(JsonWriter& out, const std::vector<store::WatchRow>& watches,
                const std::string& deploy_id) {
  for (const store::WatchRow& watch : watches) {
    if (watch.deploy_id != deploy_id) continue;
    out.Key("watch")
        .BeginObject()
        .Field("state", watch.state)
        .Field("good", watch.s)
        .Field("bad", watch.f)
        .EndObject();
    return;
  }
  out.NullField("watch");
}

void WriteDeploy(JsonWriter& out, const store::DeployRow& deploy,
                 const std::vector<store::WatchRow>& watches) {
  out.BeginObject().Field("deploy_id", deploy.deploy_id).Field("skill", deploy.skill);
  TextOrNull(out, "proposal_id", deploy.proposal_id);
  out.Field("kind", deploy.kind).Field("state", deploy.state);
  TextOrNull(out, "undoes", deploy.undoes);
  TextOrNull(out, "reason", deploy.reason);
  out.Field("started", deploy.started).Field("finished", deploy.finished);
  out.Key("targets").BeginArray();
  for (const store::DeployTargetRow& target : deploy.targets) {
    out.BeginObject().Field("path", target.path);
    TextOrNull(out, "platform", target.platform);
    out.Field("sha256_before", base::Hex(target.old_sha256))
        .Field("sha256_after", base::Hex(target.new_sha256))
        .Field("state", target.state)
        .EndObject();
  }
  out.EndArray();
  WriteWatch(out, watches, deploy.deploy_id);
  out.EndObject();
}

// Counters of a run as the object they were stored as.
void WriteMetrics(JsonWriter& out, const std::string& metrics) {
  const auto parsed = JsonValue::Parse(metrics);
  if (parsed.ok() && parsed->is_object()) {
    out.Key("metrics").Raw(parsed->ToJson());
  } else {
    out.NullField("metrics");
  }
}

void WriteRun(JsonWriter& out, const store::RunItem& run) {
  out.BeginObject().Field("run_id", run.run_id).Field("job", run.job).Field("status", run.status);
  TextOrNull(out, "trigger", run.trigger);
  TextOrNull(out, "approval_mode", run.approval_mode);
  out.Field("started", run.started)
      .Field("elapsed_ms", run.elapsed_ms)
      .Field("dry_run", run.dry_run);
  TextOrNull(out, "error", run.error);
  WriteMetrics(out, run.metrics);
  out.Key("actions").BeginArray();
  for (const store::RunActionItem& action : run.actions) {
    out.BeginObject();
    TextOrNull(out, "skill", action.skill);
    out.Field("action", action.action);
    TextOrNull(out, "reason", action.reason);
    out.Field("deployed", action.deployed).Field("rolled_back", action.rolled_back);
    TextOrNull(out, "alert", action.alert);
    out.Field("elapsed_ms", action.elapsed_ms).Field("llm_calls", action.llm_calls).EndObject();
  }
  out.EndArray().EndObject();
}

void WriteUsd(JsonWriter& out, std::string_view key, const std::optional<int64_t>& micro) {
  if (micro.has_value()) {
    out.Field(key, static_cast<double>(*micro) / kMicro);
  } else {
    out.NullField(key);
  }
}

}  // namespace

StatusOr<std::string> ProposalList(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(const auto skill, SkillOf(*db, params));
  store::ProposalRequest request{.state = params["state"].AsString(), .page = PageOf(params)};
  if (skill.has_value()) request.skill = skill->id;
  ST_ASSIGN_OR_RETURN(const store::ProposalPage page, store::ListProposals(*db, request));
  JsonWriter out;
  out.BeginObject().Key("items").BeginArray();
  for (const ProposalItem& proposal : page.items) {
    out.BeginObject();
    WriteProposalHead(out, proposal);
    out.EndObject();
  }
  out.EndArray();
  TextOrNull(out, "next_cursor", page.next);
  out.EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> ProposalDiff(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(const ProposalItem proposal,
                      store::FindProposal(*db, params["proposal_id"].AsString()));
  const bool unified = params["format"].AsString() == "unified";
  JsonWriter out;
  out.BeginObject()
      .Field("proposal_id", proposal.proposal_id)
      .Field("skill", proposal.skill)
      .Field("format", unified ? "unified" : "word")
      .Key("diff");
  if (proposal.original.has_value() && proposal.proposed.has_value()) {
    out.String(unified ? UnifiedDiff(*proposal.original, *proposal.proposed)
                       : WordDiff(*proposal.original, *proposal.proposed));
  } else {
    out.Null();
  }
  out.EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> ProposalShow(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(const ProposalItem proposal,
                      store::FindProposal(*db, params["proposal_id"].AsString()));
  JsonWriter out;
  out.BeginObject();
  WriteProposalHead(out, proposal);
  out.Field("before", proposal.original).Field("after", proposal.proposed);
  TextOrNull(out, "file_sha256", proposal.original_sha256);
  TextOrNull(out, "deployed_sha256", proposal.deployed_sha256);
  ST_RETURN_IF_ERROR(WriteTest(out, *db, proposal.proposal_id));
  ST_RETURN_IF_ERROR(WriteAudit(out, *db, proposal.proposal_id));
  out.EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> DeployList(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(const auto skill, SkillOf(*db, params));
  const std::string name = skill.has_value() ? skill->name : std::string();
  ST_ASSIGN_OR_RETURN(const auto deploys, store::ListDeploys(*db, name));
  ST_ASSIGN_OR_RETURN(const auto watches, store::ListWatches(*db, name, /*open_only=*/false));
  const store::PageRequest page = PageOf(params);
  size_t begin = 0;
  if (!page.cursor.empty()) {
    // The last of the page before: deploys come newest first, and none goes.
    const auto last = std::find_if(
        deploys.begin(), deploys.end(),
        [&](const store::DeployRow& deploy) { return deploy.deploy_id == page.cursor; });
    if (last == deploys.end()) {
      return Fail(kInvalidRequest, "deploy.list: cursor \"{}\" is not one of a page before",
                  base::FirstCodePoints(page.cursor, kShownCursor));
    }
    begin = static_cast<size_t>(last - deploys.begin()) + 1;
  }
  const size_t end = std::min(deploys.size(), begin + static_cast<size_t>(page.limit));
  JsonWriter out;
  out.BeginObject().Key("items").BeginArray();
  for (size_t i = begin; i < end; ++i) WriteDeploy(out, deploys[i], watches);
  out.EndArray();
  TextOrNull(out, "next_cursor", end < deploys.size() ? deploys[end - 1].deploy_id : "");
  out.EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> OrchestrateRuns(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  const std::string& wanted = params["run_id"].AsString();
  store::PageRequest page = PageOf(params);
  JsonWriter out;
  out.BeginObject().Key("items").BeginArray();
  std::string next;
  bool found = wanted.empty();
  do {  // one page, or as many as it takes to find the run
    ST_RETURN_IF_ERROR(context.cancel().Check());
    ST_ASSIGN_OR_RETURN(const store::RunPage runs, store::ListRuns(*db, "orchestrate", page));
    for (const store::RunItem& run : runs.items) {
      if (!wanted.empty() && run.run_id != wanted) continue;
      found = true;
      WriteRun(out, run);
    }
    next = runs.next;
    page.cursor = next;
  } while (!found && !next.empty());
  if (!found) return Fail(kNotFound, "finding run {}: it is not known", wanted);
  out.EndArray();
  TextOrNull(out, "next_cursor", wanted.empty() ? next : std::string());
  out.EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> LlmUsage(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  const std::string& by = params["by"].AsString();
  const store::UsageBy group = by == "model"   ? store::UsageBy::kModel
                               : by == "skill" ? store::UsageBy::kSkill
                                               : store::UsageBy::kPurpose;
  ST_ASSIGN_OR_RETURN(const auto rows, store::ReadUsage(*db, group, WindowOf(params)));
  ST_ASSIGN_OR_RETURN(const config::Config* const config, context.config());
  const StatusOr<store::Spending> limits = DailyLimits(*config);
  if (!limits.ok()) context.Warn(kInvalidConfig.name, std::string(Message(limits.status())));
  const store::Spending limit = limits.value_or(llm::BudgetLimits().day);
  const std::string today = FormatRfc3339(context.now()).substr(0, 10);
  ST_ASSIGN_OR_RETURN(const store::Spending spent, store::ReadBudget(*db, "day", today));
  JsonWriter out;
  out.BeginObject().Field("by", by).Key("rows").BeginArray();
  for (const store::UsageRow& row : rows) {
    out.BeginObject();
    TextOrNull(out, "key", row.key);
    out.Field("calls", row.calls)
        .Field("failed", row.failed)
        .Field("input_tokens", row.input_tokens)
        .Field("output_tokens", row.output_tokens);
    out.Field("tokens", TokensOf(row));
    WriteUsd(out, "usd", row.cost_micro_usd);
    out.Field("usd_source", row.with_cost > 0 ? "reported" : "unknown")
        .Field("calls_with_cost", row.with_cost)
        .EndObject();
  }
  out.EndArray()
      .Key("today")
      .BeginObject()
      .Field("day", today)
      .Field("calls", spent.calls)
      .Field("tokens", spent.tokens)
      .Field("usd", static_cast<double>(spent.cost_micro_usd) / kMicro)
      .EndObject()
      .Key("budget")
      .BeginObject()
      .Field("calls", std::max<int64_t>(0, limit.calls))
      .Field("tokens", limit.tokens)
      .Field("usd", static_cast<double>(std::max<int64_t>(0, limit.cost_micro_usd)) / kMicro)
      .EndObject()
      .EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
