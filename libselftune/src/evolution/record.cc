#include "evolution/record.h"

#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "stats/wilson.h"
#include "store/eval_rows.h"
#include "store/evolution_log.h"
#include "store/write_txn.h"

namespace selftune::evolution {
namespace {

using store::ProposalState;

std::string Snapshot(int64_t passed, int64_t total) {
  const stats::Interval interval =
      stats::Wilson(static_cast<double>(passed), static_cast<double>(total));
  base::JsonWriter out;
  out.BeginObject()
      .Field("total", total)
      .Field("passed", passed)
      .Field("failed", total - passed)
      .Field("pass_rate",
             total == 0 ? 0.0 : static_cast<double>(passed) / static_cast<double>(total))
      .Key("wilson95")
      .BeginArray()
      .Double(interval.lo)
      .Double(interval.hi)
      .EndArray()
      .EndObject();
  return std::move(out).Take();
}

std::string ValidationJson(const EvolveResult& result) {
  base::JsonWriter out;
  out.BeginObject()
      .Field("gains", result.gains)
      .Field("losses", result.losses)
      .Field("counted", result.counted)
      .Field("invalid", result.invalid)
      .Field("flaky", result.flaky)
      .Key("per_entry")
      .BeginArray();
  for (const HeldOutEntry& entry : result.held_out) {
    out.BeginObject()
        .Field("id", entry.id)
        .Field("should_trigger", entry.should_trigger)
        .Field("before_yes", entry.before.yes)
        .Field("before_no", entry.before.no)
        .Field("after_yes", entry.after.yes)
        .Field("after_no", entry.after.no)
        .Field("flaky", entry.flaky)
        .EndObject();
  }
  out.EndArray().EndObject();
  return std::move(out).Take();
}

std::string EvalSetJson(const eval::EvalSet& set) {
  base::JsonWriter out;
  out.BeginObject().Field("sha256", set.sha256).Key("entries").BeginArray();
  for (const eval::EvalEntry& entry : set.entries) {
    out.BeginObject()
        .Field("id", entry.id)
        .Field("should_trigger", entry.should_trigger)
        .Field("split", stats::SplitName(entry.split))
        .EndObject();
  }
  out.EndArray().EndObject();
  return std::move(out).Take();
}

class Recorder {
 public:
  Recorder(store::Db& db, const EvolveInput& input, const EvolveResult& result,
           const RecordContext& context, UtcMillis now)
      : db_(db), input_(input), result_(result), context_(context), now_(now) {}

  StatusOr<Recorded> Run() {
    ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db_));
    ST_RETURN_IF_ERROR(eval::StoreEvalSet(db_, input_.set, now_));
    for (size_t i = 0; i < result_.candidates.size(); ++i) {
      ST_RETURN_IF_ERROR(AddCandidate(i));
    }
    if (result_.tested) ST_RETURN_IF_ERROR(AddTest());
    ST_RETURN_IF_ERROR(txn.Commit());
    return recorded_;
  }

 private:
  Status AddCandidate(size_t index) {
    const Candidate& candidate = result_.candidates[index];
    const std::string id = fmt::format("evo-{}-{}", input_.skill, base::MakeUlid(now_));
    const bool best = result_.best == index;
    const std::string eval_set = best ? EvalSetJson(input_.set) : std::string();
    ST_RETURN_IF_ERROR(store::CreateProposal(db_,
                                             {.proposal_id = id,
                                              .skill = input_.skill,
                                              .location = context_.location,
                                              .original = input_.current,
                                              .proposed = candidate.description,
                                              .original_sha256 = context_.file_sha256,
                                              .rationale = candidate.rationale,
                                              .confidence = candidate.confidence},
                                             {.action = ProposalState::kCreated,
                                              .details = candidate.details,
                                              .eval_set = eval_set,
                                              .sha256_before = context_.file_sha256,
                                              .run_id = context_.run_id,
                                              .iterations = candidate.round + 1},
                                             now_));
    if (best) {
      recorded_.best_proposal_id = id;
      return absl::OkStatus();
    }
    const bool refused = candidate.fate == CandidateFate::kConstitution;
    return store::AddStep(
        db_, id,
        {.action = refused ? ProposalState::kRejected : ProposalState::kSuperseded,
         .details = candidate.details,
         .run_id = context_.run_id},
        now_);
  }

  Status AddTest() {
    const bool accepted = result_.reason_code == "promoted" || result_.reason_code == "canary" ||
                          result_.reason_code == "hold";
    const std::string tier = base::AsciiLower(stats::TierName(result_.decision.tier));
    const std::string snapshot = Snapshot(result_.passed_after, result_.counted);
    const std::string validation = ValidationJson(result_);
    ST_RETURN_IF_ERROR(store::SetFigures(db_, recorded_.best_proposal_id,
                                         {.tier = tier,
                                          .gains = result_.gains,
                                          .losses = result_.losses,
                                          .holdout = result_.counted,
                                          .p = result_.decision.p,
                                          .alpha = result_.decision.alpha},
                                         result_.reason_code, now_));
    // HOLD goes into the review queue with its numbers.
    ST_RETURN_IF_ERROR(
        store::AddStep(db_, recorded_.best_proposal_id,
                       {.action = accepted ? ProposalState::kValidated : ProposalState::kRejected,
                        .details = result_.reason,
                        .snapshot = snapshot,
                        .validation = validation,
                        .run_id = context_.run_id,
                        .validation_mode = "llm_judge",
                        .validation_agent = context_.agent},
                       now_));
    ST_RETURN_IF_ERROR(AddAnswers());
    const std::string set_sha = base::FromHex(input_.set.sha256).value_or("");
    return store::AddHoldoutLook(db_, input_.skill,
                                 {.look = result_.plan.look,
                                  .proposal_id = recorded_.best_proposal_id,
                                  .eval_set_sha256 = set_sha,
                                  .entries = result_.plan.holdout,
                                  .gains = result_.gains,
                                  .losses = result_.losses,
                                  .p = result_.decision.p,
                                  .alpha = result_.decision.alpha,
                                  .tier = tier},
                                 now_);
  }

  Status AddAnswers() {
    std::vector<store::ReplayRow> rows;
    int64_t number = 0;
    for (const HeldOutEntry& entry : result_.held_out) {
      for (const bool after : {false, true}) {
        const JudgeTally& tally = after ? entry.after : entry.before;
        std::optional<bool> triggered;
        if (!tally.tied()) triggered = tally.triggered();
        rows.push_back({.proposal_id = recorded_.best_proposal_id,
                        .run_id = context_.run_id,
                        .phase = after ? "after" : "before",
                        .entry_no = number,
                        .rep = tally.runs(),
                        .skill = input_.skill,
                        .query = entry.query,
                        .should_trigger = entry.should_trigger,
                        .triggered = triggered});
      }
      ++number;
    }
    return store::AddReplayResults(db_, rows, now_);
  }

  store::Db& db_;
  const EvolveInput& input_;
  const EvolveResult& result_;
  const RecordContext& context_;
  UtcMillis now_;
  Recorded recorded_;
};

}  // namespace

StatusOr<Recorded> Record(store::Db& db, const EvolveInput& input, const EvolveResult& result,
                          const RecordContext& context, UtcMillis now) {
  return Recorder(db, input, result, context, now).Run();
}

}  // namespace selftune::evolution
