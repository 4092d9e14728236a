// evolve.* and proposal decisions: a better description for one skill.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/crypto.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "capi/loop_world.h"
#include "capi/model_params.h"
#include "capi/op_spec.h"
#include "capi/receipt.h"
#include "capi/text_diff.h"
#include "llm/choose.h"
#include "orchestrate/improve.h"
#include "orchestrate/skill_target.h"
#include "store/evolution_log.h"
#include "store/write_txn.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;
using orchestrate::ImproveResult;

// What a reason code means for the caller: nothing, or why the answer is no.
Status VerdictOf(const ImproveResult& result) {
  const std::string& code = result.reason_code;
  const auto verdict = [&](const ErrorCode& error) {
    return WithSuggestion(Fail(error, "{}: {} ({})", result.skill, result.reason, code),
                          "see what is known about the skill",
                          base::JoinCommand({"selftune", "skills", "show", result.skill}));
  };
  const auto redo = [&](const ErrorCode& error) {
    return WithSuggestion(Fail(error, "{}: {} ({})", result.skill, result.reason, code),
                          "make a proposal for the text as it is now",
                          base::JoinCommand({"selftune", "evolve", "--skill", result.skill}));
  };
  if (code == "no_candidate_improved" || code == "constitution") return verdict(kProposalRejected);
  if (code == "neighbour_regression" || code == "hold") return verdict(kOnHold);
  if (code == "insufficient_evidence") return verdict(kInsufficientEvidence);
  if (code == "file_changed") return redo(kFileChanged);
  if (code == "budget_exhausted") return verdict(kBudgetExhausted);
  if (code == "hard_linked" || code == "single_file") return verdict(kBlocked);
  if (code == "held_by_host") {
    return WithSuggestion(Fail(kBlocked, "{}: {} ({})", result.skill, result.reason, code),
                          "apply or reject that change first", result.command);
  }
  if (code == "managed_by_plugin" || code == "protected") return verdict(kManagedByPlugin);
  if (code == "too_old") return redo(kBlocked);
  if (code == "locked" || code == "cooldown") return verdict(kBlocked);
  if (code == "harness_invalid" || code == "judge_unreliable") return verdict(kInvalidReply);
  return absl::OkStatus();
}

std::optional<std::string> NotEmpty(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return text;
}

void WriteImproved(JsonWriter& out, const ImproveResult& result) {
  const evolution::EvolveResult& evolved = result.evolution;
  const bool tested = evolved.tested;
  out.Field("skill", result.skill)
      .Field("path",
             result.paths.empty() ? std::nullopt : std::optional<std::string>(result.paths.front()))
      .Field("target", "description")
      .Field("proposal_id", NotEmpty(result.proposal_id))
      .Field("deployed", result.deployed)
      .Field("deploy_id", NotEmpty(result.deploy_id))
      .Field("reason_code", result.reason_code)
      .Field("reason", result.reason)
      .Field("tier", tested ? std::optional<std::string>(stats::TierName(evolved.decision.tier))
                            : std::nullopt)
      .Field("gains", evolved.gains)
      .Field("losses", evolved.losses)
      .Field("p", tested ? std::optional<double>(evolved.decision.p) : std::nullopt)
      .Field("alpha", tested ? std::optional<double>(evolved.decision.alpha) : std::nullopt)
      .Field("holdout", evolved.plan.holdout)
      .Field("mde", evolved.plan.minimum_gain)
      .Field("passed_before", evolved.passed_before)
      .Field("passed_after", evolved.passed_after)
      .Field("before", NotEmpty(result.before))
      .Field("after", NotEmpty(result.after))
      .Field("rationale", NotEmpty(result.rationale))
      .Field("diff", result.after.empty()
                         ? std::nullopt
                         : std::optional<std::string>(WordDiff(result.before, result.after)))
      .Field("description_quality_before", result.quality_before)
      .Field("description_quality_after",
             result.after.empty() ? std::nullopt : std::optional<double>(result.quality_after))
      .Field("candidates", static_cast<int64_t>(evolved.candidates.size()));
  out.Key("diverged").BeginArray();
  for (const std::string& path : result.diverged) out.String(path);
  out.EndArray();
  out.Key("budget");
  WriteSpent(out, result.spent);
}

void WriteDeployReceipt(JsonWriter& out, const ImproveResult& result) {
  if (!result.deployed) {
    out.NullField("receipt");
    return;
  }
  out.Key("receipt");
  WriteReceipt(
      out, {.operation = "deploy",
            .targets = result.paths,
            .sha256_before = result.sha256_before,
            .sha256_after = result.sha256_after,
            .undo = {"selftune", "evolve", "rollback", "--deploy-id", result.deploy_id, "--yes"}});
}

std::string ReplyOf(const ImproveResult& result, int64_t elapsed_ms) {
  JsonWriter out;
  out.BeginObject();
  WriteImproved(out, result);
  WriteDeployReceipt(out, result);
  out.Field("elapsed_ms", elapsed_ms).EndObject();
  return std::move(out).Take();
}

orchestrate::ImproveWorld WorldOf(Context& context, LoopWorld& loop,
                                  const skillfs::Discovery& skills) {
  return {.db = &loop.db(),
          .env = &context.env(),
          .clock = &context.clock(),
          .cancel = &context.cancel(),
          .config = &loop.config(),
          .state_dir = context.paths().state_dir,
          .skills = &skills,
          .backend = nullptr,
          .progress = [&context](std::string_view stage, int64_t done, int64_t total,
                                 std::string_view what) {
            context.Progress(stage, done, total, std::string(what));
          }};
}

// Words of the contract that this version cannot act on yet.
Status CheckSupported(const JsonValue& params) {
  if (const std::string& target = params["target"].AsString();
      !target.empty() && target != "description") {
    return WithSuggestion(
        Fail(kUnsupportedType, "changing the {} of a skill: not possible yet", target),
        "only the description can be changed", "selftune help evolve");
  }
  if (params["validation_mode"].AsString() == "replay") {
    return WithSuggestion(Fail(kUnsupportedType, "validating by replay: not possible yet"),
                          "use judge, or leave it out", "selftune help evolve");
  }
  return absl::OkStatus();
}

int64_t Since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               begin)
      .count();
}

}  // namespace

StatusOr<std::string> EvolveRun(Context& context, const JsonValue& params) {
  const auto begin = std::chrono::steady_clock::now();
  ST_RETURN_IF_ERROR(CheckSupported(params));
  ST_ASSIGN_OR_RETURN(const ModelParams model, ReadModelParams(context, params));
  ST_ASSIGN_OR_RETURN(const std::unique_ptr<LoopWorld> loop,
                      LoopWorld::Open(context, /*needs_accounting=*/!model.plan));
  if (!context.dry_run() && !model.plan) {
    ST_RETURN_IF_ERROR(loop->RecoverDeploys());
    if (params["sync_first"].AsBool()) ST_RETURN_IF_ERROR(loop->Sync());
  }
  ST_ASSIGN_OR_RETURN(const skillfs::Discovery* const skills, loop->skills());
  orchestrate::ImproveWorld world = WorldOf(context, *loop, *skills);
  orchestrate::ImproveOptions options;
  options.skill = params["skill"].AsString();
  options.skill_path = params["skill_path"].AsString();
  options.eval_set = params["eval_set"].AsString();
  options.run_id = "evolve_" + base::MakeUlid(context.now());
  options.dry_run = context.dry_run();
  options.plan_only = model.plan;
  options.review_required = params["review_required"].AsBool();
  options.allow_dirty = params["allow_dirty"].AsBool();
  options.rounds = static_cast<int>(params["rounds"].AsInt(5));
  options.models = model.use;
  // Without the skill nobody needs an agent.
  ST_RETURN_IF_ERROR(orchestrate::FindTarget(*skills, options.skill, options.skill_path).status());
  std::unique_ptr<llm::Backend> backend;
  if (!model.plan) {
    ST_ASSIGN_OR_RETURN(
        backend, llm::ChooseBackend(context.env(), model.choose, &loop->db(), context.clock()));
    world.backend = backend.get();
  }
  ST_ASSIGN_OR_RETURN(const ImproveResult result, orchestrate::ImproveSkill(world, options));
  if (result.deployed || !result.proposal_id.empty()) context.SetChanged();
  if (result.rest_ended) context.SetHooksDiffer();
  if (!result.failure.ok()) return result.failure;  // what it cost is in llm.usage
  if (!model.plan) context.SetVerdict(VerdictOf(result));
  if (result.reason_code == "review_required" || result.reason_code == "review_pending") {
    context.SetNext({.argv = {"selftune", "proposals", "approve", result.proposal_id, "--yes"},
                     .reason = "the proposal waits for a review"});
  }
  return ReplyOf(result, Since(begin));
}

StatusOr<std::string> EvolvePlan(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(const std::unique_ptr<LoopWorld> loop, LoopWorld::OpenRead(context));
  ST_ASSIGN_OR_RETURN(const skillfs::Discovery* const skills, loop->skills());
  const orchestrate::ImproveWorld world = WorldOf(context, *loop, *skills);
  orchestrate::ImproveOptions options;
  options.skill = params["skill"].AsString();
  options.skill_path = params["skill_path"].AsString();
  options.plan_only = true;
  ST_ASSIGN_OR_RETURN(const ImproveResult result, orchestrate::ImproveSkill(world, options));
  const evolution::EvolvePlan& plan = result.evolution.plan;
  JsonWriter out;
  out.BeginObject()
      .Field("skill", result.skill)
      .Field("train", plan.train)
      .Field("train_missed", plan.train_missed)
      .Field("holdout", plan.holdout)
      .Field("holdout_positives", plan.holdout_positives)
      .Field("holdout_negatives", plan.holdout_negatives)
      .Field("mde", plan.minimum_gain)
      .Field("look", plan.look)
      .Field("alpha", plan.alpha)
      .Field("other_causes", result.set.other_causes)
      .Field("suppressed", result.set.suppressed)
      .Key("causes")
      .BeginObject();
  for (const auto& [cause, count] : result.set.causes) out.Field(cause, count);
  out.EndObject().Key("hygiene").BeginObject();
  for (const auto& [category, count] : result.set.hygiene) out.Field(category, count);
  out.EndObject()
      .Field("reason_code", result.reason_code)
      .Field("reason", result.reason)
      .Key("estimate")
      .BeginObject()
      .Field("calls", plan.estimated_calls)
      .Field("tokens", plan.estimated_tokens)
      .NullField("usd")
      .EndObject()
      .EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> ProposalApprove(Context& context, const JsonValue& params) {
  if (!context.HasStore()) return context.ReadDb().status();  // nothing was proposed
  const std::string& id = params["proposal_id"].AsString();
  if (context.dry_run()) {
    ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
    ST_ASSIGN_OR_RETURN(const store::StoredProposal proposal, store::LoadProposal(*db, id));
    JsonWriter out;
    out.BeginObject()
        .Field("proposal_id", id)
        .Field("skill", proposal.skill)
        .NullField("deploy_id")
        .Field("state", store::Word(proposal.state))
        .NullField("receipt")
        .EndObject();
    return std::move(out).Take();
  }
  ST_ASSIGN_OR_RETURN(const std::unique_ptr<LoopWorld> loop, LoopWorld::Open(context, false));
  ST_RETURN_IF_ERROR(loop->RecoverDeploys());
  ST_ASSIGN_OR_RETURN(const store::StoredProposal before, store::LoadProposal(loop->db(), id));
  ST_ASSIGN_OR_RETURN(const skillfs::Discovery* const skills, loop->skills());
  const orchestrate::ImproveWorld world = WorldOf(context, *loop, *skills);
  ST_ASSIGN_OR_RETURN(const ImproveResult result,
                      orchestrate::DeployProposal(world, id, params["allow_dirty"].AsBool(),
                                                  "approve_" + base::MakeUlid(context.now())));
  context.SetVerdict(VerdictOf(result));
  ST_ASSIGN_OR_RETURN(const store::StoredProposal after, store::LoadProposal(loop->db(), id));
  if (result.deployed || after.state != before.state) context.SetChanged();
  JsonWriter out;
  out.BeginObject()
      .Field("proposal_id", id)
      .Field("skill", result.skill)
      .Field("deploy_id", NotEmpty(result.deploy_id))
      .Field("state", store::Word(after.state));
  WriteDeployReceipt(out, result);
  out.EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> ProposalReject(Context& context, const JsonValue& params) {
  const std::string& id = params["proposal_id"].AsString();
  if (!context.HasStore()) return context.ReadDb().status();  // nothing was proposed
  std::string state = "rejected";
  if (context.dry_run()) {
    ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
    ST_ASSIGN_OR_RETURN(const store::StoredProposal proposal, store::LoadProposal(*db, id));
    state = std::string(store::Word(proposal.state));
  } else {
    ST_ASSIGN_OR_RETURN(store::Db * db, context.WriteDb());
    const std::string reason = params["reason"].AsString();
    ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(*db));
    ST_RETURN_IF_ERROR(store::AddStep(*db, id,
                                      {.action = store::ProposalState::kRejected,
                                       .details = reason.empty() ? "by a person" : reason},
                                      context.now()));
    ST_RETURN_IF_ERROR(txn.Commit());
    context.SetChanged();
  }
  JsonWriter out;
  out.BeginObject().Field("proposal_id", id).Field("state", state).Key("receipt");
  if (context.dry_run()) {
    out.Null();
  } else {
    WriteReceipt(out, {.operation = context.op(), .targets = {context.paths().db}});
  }
  out.EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
