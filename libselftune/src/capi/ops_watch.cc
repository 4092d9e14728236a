// watch.* and deploy.*: what became of a deploy, and taking it back.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "capi/loop_receipt.h"
#include "capi/loop_world.h"
#include "capi/op_spec.h"
#include "capi/params.h"
#include "capi/receipt.h"
#include "deploy/journal.h"
#include "deploy/recover.h"
#include "deploy/rollback.h"
#include "orchestrate/watching.h"
#include "store/deploy_rows.h"
#include "store/queries/skills.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;
using orchestrate::WatchResult;

constexpr uint64_t kMaxSkillBytes = 8 << 20;
constexpr double kMaxAlpha = 0.5;  // of false alarms: above, a coin would do
constexpr double kMaxDelta = 0.9;

void WriteWatch(JsonWriter& out, store::Db& db, const WatchResult& result) {
  const store::WatchRow& row = result.view.row;
  const auto deploy = store::ReadDeploy(db, row.deploy_id);
  out.BeginObject()
      .Field("skill", row.skill)
      .Field("path", deploy.ok() && !deploy->targets.empty()
                         ? std::optional<std::string>(deploy->targets.front().path)
                         : std::nullopt)
      .Field("deploy_id", row.deploy_id)
      .Field("state", row.state)
      .Key("observations")
      .BeginObject()
      .Field("good", row.s)
      .Field("bad", row.f)
      .Field("excluded", row.excluded)
      .Field("invalid", row.invalid)
      .Field("coverage", result.view.coverage)
      .EndObject()
      .Field("baseline_good", row.k0)
      .Field("baseline_n", row.n0)
      .Field("q", row.q)
      .Field("e_down", row.e_down)
      .Field("e_up", row.e_up)
      .Field("threshold", 1 / row.alpha)
      .Field("decision_reason", row.reason)
      .Field("rolled_back", result.rolled_back)
      .Field("rollback_id", result.rollback_id.empty()
                                ? std::nullopt
                                : std::optional<std::string>(result.rollback_id))
      .Field("detail", result.detail)
      .Key("next_needed")
      .BeginObject()
      .Field("bad", result.view.decision.bad_needed)
      .Field("good", result.view.decision.good_needed)
      .EndObject()
      .EndObject();
}

void WriteWatches(JsonWriter& out, store::Db& db, const std::vector<WatchResult>& watches) {
  out.Key("watches").BeginArray();
  for (const WatchResult& watch : watches) WriteWatch(out, db, watch);
  out.EndArray();
}

// A regression is a bad answer even when it was taken back; an asked-for watch
// that does not exist or ended undecided is no answer.
void Judge(Context& context, store::Db& db, const std::vector<WatchResult>& watches,
           const std::string& skill) {
  for (const WatchResult& watch : watches) {
    if (!watch.regressed) continue;
    const store::WatchRow& row = watch.view.row;
    context.SetVerdict(WithSuggestion(
        Fail(kRegressionFound, "{}: {}", row.skill, row.reason),
        watch.rolled_back ? "the former text is back" : "take the deploy back",
        base::JoinCommand(watch.rolled_back
                              ? std::vector<std::string>{"selftune", "skills", "show", row.skill}
                              : std::vector<std::string>{"selftune", "evolve", "rollback",
                                                         "--deploy-id", row.deploy_id, "--yes"})));
    return;
  }
  for (const WatchResult& watch : watches) {
    if (watch.error.ok()) continue;
    context.SetVerdict(watch.error);
    return;
  }
  if (skill.empty()) return;
  if (watches.empty()) {
    const auto known = store::FindSkill(db, skill);
    context.SetVerdict(
        !known.ok()
            ? known.status()
            : WithSuggestion(Fail(kInsufficientEvidence, "{}: no deploy of it is known", skill),
                             "nothing was deployed yet; see which skills there are",
                             "selftune skills list"));
  } else if (watches.front().view.row.state == "inconclusive") {
    context.SetVerdict(Fail(kOnHold, "{}: {}", skill, watches.front().view.row.reason));
  }
}

StatusOr<std::vector<WatchResult>> Look(Context& context, LoopWorld& loop,
                                        orchestrate::WatchOptions options) {
  ST_ASSIGN_OR_RETURN(const skillfs::Discovery* const skills, loop.skills());
  const orchestrate::WatchWorld world{.db = &loop.db(),
                                      .clock = &context.clock(),
                                      .config = &loop.config(),
                                      .skills = skills,
                                      .state_dir = context.paths().state_dir};
  options.run_id = "watch_" + base::MakeUlid(context.now());
  return orchestrate::LookAtWatches(world, options);
}

// A probability above 0 that is no nonsense.
StatusOr<std::optional<double>> Bound(const JsonValue& params, std::string_view name,
                                      double highest) {
  if (!params[name].is_number()) return std::optional<double>();
  const double value = params[name].AsDouble();
  if (value > 0 && value <= highest) return std::optional(value);
  return WithSuggestion(
      Fail(kInvalidRequest, "{} is {}; it has to be above 0 and at most {}", name, value, highest),
      "leave it out for the tested default", "selftune help watch");
}

// The deploy a rollback is about: the one named, or the newest that stands.
StatusOr<store::DeployRow> DeployOf(store::Db& db, const JsonValue& params) {
  if (params["deploy_id"].is_string()) return store::ReadDeploy(db, params["deploy_id"].AsString());
  const std::string& skill = params["skill"].AsString();
  if (skill.empty()) {
    return WithSuggestion(Fail(kInvalidRequest, "rolling back: no skill and no deploy named"),
                          "name one with --skill or --deploy-id", "selftune skills list");
  }
  ST_ASSIGN_OR_RETURN(std::optional<store::DeployRow> current, store::CurrentDeploy(db, skill));
  if (!current.has_value()) {
    return WithSuggestion(Fail(kNotFound, "rolling back {}: no deploy of it stands", skill),
                          "nothing was deployed, or it was taken back already",
                          "selftune skills list");
  }
  return *std::move(current);
}

// What the files hold before and after; a file that is gone counts as the
// deploy's bytes, which nothing can be taken back from.
void WriteTargets(JsonWriter& out, const deploy::RollbackOutcome& outcome,
                  std::string_view other_state) {
  out.Key("targets").BeginArray();
  for (const deploy::RollbackFile& file : outcome.files) {
    const std::string_view state = file.missing           ? std::string_view("missing")
                                   : !other_state.empty() ? other_state
                                                          : deploy::Word(file.state);
    out.BeginObject()
        .Field("path", file.path)
        .Field("state", state)
        .Field("sha256_before", file.sha256_before)
        .Field("sha256_after", file.sha256_after)
        .EndObject();
  }
  out.EndArray();
}

// The files of a deploy as they are.
StatusOr<deploy::RollbackOutcome> Untouched(const store::DeployRow& deploy) {
  deploy::RollbackOutcome out;
  for (const store::DeployTargetRow& target : deploy.targets) {
    deploy::RollbackFile& file = out.files.emplace_back();
    file.path = target.path;
    const auto bytes = base::ReadFile(target.path, kMaxSkillBytes);
    file.missing = !bytes.ok();
    if (bytes.ok()) file.sha256_before = file.sha256_after = base::Sha256Hex(*bytes);
  }
  return out;
}

std::vector<std::string> ChangedPaths(const deploy::RollbackOutcome& outcome) {
  std::vector<std::string> paths;
  for (const deploy::RollbackFile& file : outcome.files) {
    if (!file.missing) paths.push_back(file.path);
  }
  return paths;
}

// The first file that changed stands for all, as the deploy's receipt does.
void WriteRollbackReceipt(JsonWriter& out, const deploy::RollbackOutcome& outcome) {
  const auto first = std::find_if(outcome.files.begin(), outcome.files.end(),
                                  [](const auto& file) { return !file.missing; });
  out.Key("receipt");
  WriteReceipt(out, {.operation = "deploy.rollback",
                     .targets = ChangedPaths(outcome),
                     .sha256_before = first->sha256_before,
                     .sha256_after = first->sha256_after});
}

// The former bytes next to the file, for a person to put back.
Status WriteFormer(Context& context, const store::DeployRow& deploy, const std::string& path) {
  const deploy::Journal journal(context.paths().state_dir, deploy.deploy_id);
  ST_ASSIGN_OR_RETURN(const deploy::Intent intent, journal.ReadIntent());
  ST_ASSIGN_OR_RETURN(const std::string bytes, journal.OldBytes(intent, 0));
  ST_RETURN_IF_ERROR(base::WriteFileNew(path, bytes, 0600));
  context.SetChanged();
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::string> WatchRun(Context& context, const JsonValue& params) {
  const std::string skill = params["skill"].AsString();
  ST_ASSIGN_OR_RETURN(const std::optional<double> alpha, Bound(params, "alpha", kMaxAlpha));
  ST_ASSIGN_OR_RETURN(const std::optional<double> delta, Bound(params, "delta", kMaxDelta));
  WarnOfIgnored(context, params, {"window", "threshold", "grade_threshold", "no_grade_watch"},
                "every session since the deploy counts, by a sequential test");
  // Looking makes no store, unless it is to be filled first.
  if (!context.HasStore() && !params["sync_first"].AsBool()) return context.ReadDb().status();
  ST_ASSIGN_OR_RETURN(const std::unique_ptr<LoopWorld> loop, LoopWorld::Open(context, false));
  ST_RETURN_IF_ERROR(loop->RecoverDeploys());
  if (params["sync_first"].AsBool()) {
    ST_RETURN_IF_ERROR(loop->Sync(params["sync_force"].AsBool()));
  }
  ST_ASSIGN_OR_RETURN(const std::vector<WatchResult> watches,
                      Look(context, *loop,
                           {.skill = skill,
                            .auto_rollback = params["auto_rollback"].AsBool(),
                            .alpha = alpha,
                            .delta = delta,
                            .write = !context.dry_run()}));
  for (const WatchResult& watch : watches) {
    if (watch.rolled_back) context.SetChanged();
    if (!watch.error.ok()) {
      context.Warn(CodeOf(watch.error).name,
                   watch.view.row.skill + ": " + std::string(Message(watch.error)));
    }
  }
  Judge(context, loop->db(), watches, skill);
  JsonWriter out;
  out.BeginObject();
  WriteWatches(out, loop->db(), watches);
  // Nothing takes a rollback back: the text that made things worse is in its journal.
  WriteReceiptField(out, ReceiptOfFiles(context.op(), FilesTakenBack(watches), {}));
  out.EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> WatchStatus(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(const std::unique_ptr<LoopWorld> loop, LoopWorld::OpenRead(context));
  ST_ASSIGN_OR_RETURN(const std::vector<WatchResult> watches,
                      Look(context, *loop, {.skill = params["skill"].AsString(), .write = false}));
  JsonWriter out;
  out.BeginObject();
  WriteWatches(out, loop->db(), watches);
  out.EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> DeployRollback(Context& context, const JsonValue& params) {
  if (!context.HasStore()) return context.ReadDb().status();  // nothing was deployed
  ST_ASSIGN_OR_RETURN(const std::unique_ptr<LoopWorld> loop, LoopWorld::Open(context, false));
  ST_ASSIGN_OR_RETURN(const store::DeployRow deploy, DeployOf(loop->db(), params));
  const deploy::DeployWorld world{
      .db = &loop->db(), .state_dir = context.paths().state_dir, .clock = &context.clock()};
  const bool to_file = params["to_file"].is_string();
  if (to_file && !context.dry_run()) {
    ST_RETURN_IF_ERROR(WriteFormer(context, deploy, params["to_file"].AsString()));
  }
  const bool looks_only = to_file || context.dry_run();
  if (!looks_only) ST_RETURN_IF_ERROR(loop->RecoverDeploys());
  ST_ASSIGN_OR_RETURN(const deploy::RollbackOutcome outcome,
                      to_file ? Untouched(deploy)
                      : looks_only
                          ? deploy::PlanRollback(world, deploy.deploy_id)
                          : deploy::Rollback(world, deploy.deploy_id, "asked for by a person", ""));
  const bool conflicted = outcome.state == deploy::RollbackState::kConflicted;
  const std::string_view state = to_file                            ? std::string_view("written")
                                 : context.dry_run() && !conflicted ? std::string_view("planned")
                                                                    : deploy::Word(outcome.state);
  JsonWriter out;
  out.BeginObject()
      .Field("skill", deploy.skill)
      .Field("deploy_id", outcome.deploy_id.empty() ? deploy.deploy_id : outcome.deploy_id)
      .Field("state", state);
  WriteTargets(out, outcome, to_file ? "untouched" : looks_only && !conflicted ? "planned" : "");
  out.Field("detail", to_file || outcome.detail.empty()
                          ? std::nullopt
                          : std::optional<std::string>(outcome.detail));
  if (conflicted && !to_file) {
    context.SetVerdict(WithSuggestion(
        Fail(kConflicted, "rolling back {}: {}", deploy.skill, outcome.detail),
        "compare the texts and put back what is wanted",
        base::JoinCommand({"selftune", "evolve", "rollback", "--deploy-id", deploy.deploy_id,
                           "--to-file", "SKILL.md.former", "--yes"})));
  }
  if (looks_only || conflicted) {
    out.NullField("receipt").EndObject();
    return std::move(out).Take();
  }
  context.SetChanged();
  WriteRollbackReceipt(out, outcome);
  out.EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> DeployRecover(Context& context, const JsonValue&) {
  deploy::RecoverReport report;
  if (context.dry_run()) {
    ST_ASSIGN_OR_RETURN(report.damaged, deploy::OpenJournals(context.paths().state_dir));
  } else {
    ST_ASSIGN_OR_RETURN(const std::unique_ptr<LoopWorld> loop, LoopWorld::Open(context, false));
    ST_ASSIGN_OR_RETURN(report, deploy::Recover({.db = &loop->db(),
                                                 .state_dir = context.paths().state_dir,
                                                 .clock = &context.clock()}));
    if (!report.empty()) context.SetChanged();
    WarnOfDamage(context, report);
  }
  JsonWriter out;
  out.BeginObject();
  const auto list = [&](std::string_view key, const std::vector<std::string>& ids) {
    out.Key(key).BeginArray();
    for (const std::string& id : ids) out.String(id);
    out.EndArray();
  };
  list("finished", report.finished);
  list("aborted", report.aborted);
  list("conflicted", report.conflicted);
  out.Key("open").BeginArray();
  for (const deploy::DamagedJournal& journal : report.damaged) {
    out.BeginObject()
        .Field("deploy_id", journal.deploy_id)
        .Field("problem",
               journal.why.ok() ? std::nullopt : std::optional<std::string>(Message(journal.why)))
        .EndObject();
  }
  out.EndArray().EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
