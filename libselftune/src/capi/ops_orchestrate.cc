// orchestrate.*: the whole loop.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/json_writer.h"
#include "base/status_macros.h"
#include "capi/loop_receipt.h"
#include "capi/loop_world.h"
#include "capi/model_params.h"
#include "capi/op_spec.h"
#include "capi/params.h"
#include "capi/schedule_jobs.h"
#include "hosts/sources.h"
#include "orchestrate/run.h"
#include "orchestrate/run_record.h"
#include "store/backup.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;
using orchestrate::RunReport;
using orchestrate::SkillDecision;
using orchestrate::WatchResult;

std::optional<std::string> NotEmpty(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return text;
}

void WriteDecision(JsonWriter& out, const SkillDecision& entry) {
  const bool chosen = entry.decision.action == orchestrate::Action::kEvolve;
  out.BeginObject()
      .Field("skill", entry.decision.skill)
      .Field("action", chosen ? "evolve" : "skip")
      .Field("priority", entry.decision.priority)
      .Field("selected_because", entry.decision.reason);
  if (!entry.improved.has_value()) {
    out.Field("reason_code", entry.decision.reason_code)
        .Field("reason",
               entry.error.ok() ? std::string_view(entry.decision.reason) : Message(entry.error))
        .Field("deployed", false);
    for (const char* key :
         {"proposal_id", "deploy_id", "tier", "p_value", "gains", "losses", "n_holdout"}) {
      out.NullField(key);
    }
  } else {
    const orchestrate::ImproveResult& result = *entry.improved;
    const evolution::EvolveResult& evolved = result.evolution;
    const bool tested = evolved.tested;
    out.Field("reason_code", result.reason_code)
        .Field("reason", result.reason)
        .Field("deployed", result.deployed)
        .Field("proposal_id", NotEmpty(result.proposal_id))
        .Field("deploy_id", NotEmpty(result.deploy_id))
        .Field("tier", tested ? std::optional<std::string>(stats::TierName(evolved.decision.tier))
                              : std::nullopt)
        .Field("p_value", tested ? std::optional<double>(evolved.decision.p) : std::nullopt)
        .Field("gains", tested ? std::optional<int64_t>(evolved.gains) : std::nullopt)
        .Field("losses", tested ? std::optional<int64_t>(evolved.losses) : std::nullopt)
        .Field("n_holdout", evolved.plan.holdout);
  }
  out.Field("alert",
            entry.error.ok() ? std::nullopt : std::optional<std::string>(Message(entry.error)));
  out.EndObject();
}

void WriteWatchAction(JsonWriter& out, const WatchResult& watch) {
  const store::WatchRow& row = watch.view.row;
  out.BeginObject()
      .Field("skill", row.skill)
      .Field("action", "watch")
      .Field("priority", 0)
      .Field("selected_because", "a deploy is being watched")
      .Field("reason_code", row.state)
      .Field("reason", row.reason.empty() ? "not decided yet" : row.reason)
      .Field("deployed", false)
      .NullField("proposal_id")
      .Field("deploy_id", row.deploy_id);
  for (const char* key : {"tier", "p_value", "gains", "losses", "n_holdout"}) out.NullField(key);
  std::string alert = watch.regressed ? row.reason : std::string();
  if (!watch.detail.empty()) alert += (alert.empty() ? "" : "; ") + watch.detail;
  out.Field("alert", NotEmpty(alert));
  out.EndObject();
}

void WriteErrors(JsonWriter& out, const RunReport& report) {
  out.Key("errors").BeginArray();
  for (const SkillDecision& entry : report.decisions) {
    if (entry.error.ok()) continue;
    out.BeginObject()
        .Field("code", CodeOf(entry.error).name)
        .Field("message", Message(entry.error))
        .Field("skill", entry.decision.skill)
        .EndObject();
  }
  for (const WatchResult& watch : report.watches) {
    if (watch.error.ok()) continue;
    out.BeginObject()
        .Field("code", CodeOf(watch.error).name)
        .Field("message", Message(watch.error))
        .Field("skill", watch.view.row.skill)
        .EndObject();
  }
  out.EndArray();
}

void WriteBudget(JsonWriter& out, const RunReport& report, const llm::BudgetLimits& limits) {
  out.Key("budget").BeginObject().Key("spent");
  WriteSpent(out, report.spent);
  out.Key("limit")
      .BeginObject()
      .Field("calls", limits.run.calls)
      .Field("tokens", limits.run.tokens)
      .Field("usd", static_cast<double>(limits.run.cost_micro_usd) / 1e6)
      .EndObject()
      .EndObject();
}

void WriteRolledBack(JsonWriter& out, const RunReport& report) {
  out.Key("rolled_back").BeginArray();
  for (const WatchResult& watch : report.watches) {
    if (!watch.rolled_back) continue;
    out.BeginObject()
        .Field("skill", watch.view.row.skill)
        .Field("deploy_id", watch.view.row.deploy_id)
        .Field("rollback_id", watch.rollback_id)
        .Field("state", watch.rollback_state)
        .EndObject();
  }
  out.EndArray();
}

std::string ToJson(const RunReport& report, const orchestrate::RunOptions& options) {
  JsonWriter out;
  out.BeginObject()
      .Field("run_id", NotEmpty(report.run_id))
      .Field("status", report.status)
      .Field("approval_mode", options.review_required ? "review" : "auto")
      .Field("agent", NotEmpty(report.agent));
  orchestrate::WriteCounts(report, out);
  out.Field("auto_graded", 0)
      .Field("signals_consumed", report.signals_consumed)
      .Key("decisions")
      .BeginArray();
  for (const WatchResult& watch : report.watches) WriteWatchAction(out, watch);
  for (const SkillDecision& entry : report.decisions) WriteDecision(out, entry);
  out.EndArray();
  WriteRolledBack(out, report);
  WriteBudget(out, report, options.models.limits);
  WriteErrors(out, report);
  WriteReceiptField(out, ReceiptOfRun("orchestrate.run", report));
  out.Field("elapsed_ms", report.elapsed_ms).EndObject();
  return std::move(out).Take();
}

void Judge(Context& context, const RunReport& report) {
  if (report.changed) context.SetChanged();
  for (const Status& warning : report.warnings) {
    context.Warn(CodeOf(warning).name, std::string(Message(warning)));
  }
  WarnOfDamage(context, report.recovered);
  if (report.regression_found) {
    context.SetVerdict(WithSuggestion(Fail(kRegressionFound, "a deployed change made things worse"),
                                      "see what was taken back", "selftune watch"));
    return;
  }
  for (const WatchResult& watch : report.watches) {
    if (watch.error.ok()) continue;
    context.SetVerdict(watch.error);
    return;
  }
  for (const SkillDecision& entry : report.decisions) {
    if (!entry.error.ok()) {
      context.SetVerdict(entry.error);
      return;
    }
  }
}

// What people said and what was deployed cannot be read again from transcripts. A run
// is no failure for the want of a copy.
void BackUpDaily(Context& context) {
  const std::string& store = context.paths().db;
  const auto there = store::ListBackups(store);
  // One of a clock that was wrong says nothing of today.
  const bool fresh = there.ok() && std::ranges::any_of(*there, [&](const auto& backup) {
                       const int64_t age = context.now().value - backup.at.value;
                       return age >= 0 && age < kDayMs;
                     });
  if (fresh) return;
  Status done = store::CreateBackup(store, context.now(), &context.cancel()).status();
  if (done.ok()) done = store::PruneBackups(store, context.now()).status();
  if (done.ok()) {
    context.SetChanged();
  } else {
    context.Warn("BACKUP_FAILED", std::string(Message(done)), {"selftune", "backup", "create"});
  }
}

}  // namespace

StatusOr<std::string> OrchestrateRun(Context& context, const JsonValue& params) {
  WarnOfIgnored(context, params, {"recent_window_h"}, "every open watch is looked at");
  WarnOfIgnored(context, params, {"max_auto_grade"}, "this version grades no sessions");
  WarnOfIgnored(context, params, {"auto_approve"},
                "a better text is deployed unless a review is asked for");
  ST_ASSIGN_OR_RETURN(const ModelParams model, ReadModelParams(context, params));
  const bool looks_only = context.dry_run() || model.plan;
  ST_ASSIGN_OR_RETURN(const std::unique_ptr<LoopWorld> loop,
                      looks_only ? LoopWorld::OpenRead(context) : LoopWorld::Open(context, false));
  ST_ASSIGN_OR_RETURN(const base::Environment* const env, context.hosts_env());
  const orchestrate::RunWorld world{.db = &loop->db(),
                                    .env = env,
                                    .clock = &context.clock(),
                                    .cancel = &context.cancel(),
                                    .config = &loop->config(),
                                    .state_dir = context.paths().state_dir,
                                    .sources = hosts::Sources(),
                                    .choose = model.choose,
                                    .progress = [&context](std::string_view stage, int64_t done,
                                                           int64_t total, std::string_view what) {
                                      context.Progress(stage, done, total, std::string(what));
                                    }};
  orchestrate::RunOptions options;
  options.skill = params["skill"].AsString();
  options.skill_path = params["skill_path"].AsString();
  options.dry_run = context.dry_run();
  options.plan_only = model.plan;
  options.review_required = params["review_required"].AsBool();
  options.scheduled = params["scheduled"].AsBool();
  options.reactive = params["reactive"].AsBool();
  options.sync_force = params["sync_force"].AsBool();
  options.max_skills = params["max_skills"].AsInt(5);
  options.models = model.use;
  ST_ASSIGN_OR_RETURN(const RunReport report, orchestrate::RunLoop(world, options));
  if (report.rested) context.SetHooksDiffer();
  if (!looks_only && options.scheduled) {
    BackUpDaily(context);
    BoundJobLogs(context);
  }
  if (!looks_only) Judge(context, report);
  return ToJson(report, options);
}

}  // namespace selftune::capi::ops
