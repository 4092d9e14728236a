#include "evolution/record.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "stats/promotion.h"
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

bool Accepted(const EvolveResult& result) { return result.tested && result.decision.alpha > 0; }

std::string TierOf(const EvolveResult& result) {
  return Accepted(result) ? base::AsciiLower(stats::TierName(result.decision.tier)) : "";
}

// The figures stand in the chain of hashes, so that those of the tables can be
// checked against it.
std::string ValidationJson(const EvolveResult& result) {
  base::JsonWriter out;
  out.BeginObject()
      .Field("reason_code", result.reason_code)
      .Field("tier", TierOf(result))
      .Field("p", result.decision.p)
      .Field("alpha", result.decision.alpha)
      .Field("look", result.plan.look)
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

std::string EvalSetJson(const eval::EvalSet& set, const ChargedLook* look) {
  base::JsonWriter out;
  out.BeginObject().Field("sha256", set.sha256);
  if (look != nullptr) out.Field("look", look->look).Field("alpha", look->alpha);
  out.Key("entries").BeginArray();
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

}  // namespace

ChargeLook AuditTrail::Charge() {
  return [this](const EvolveResult& result) { return ChargeNow(result); };
}

StatusOr<ChargedLook> AuditTrail::ChargeNow(const EvolveResult& result) {
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db_));
  ST_RETURN_IF_ERROR(eval::StoreEvalSet(db_, input_.set, clock_.Now()));
  const std::string set_sha = base::FromHex(input_.set.sha256).value_or("");
  ChargedLook look;
  // The same answers again would say nothing, and cost a look.
  ST_ASSIGN_OR_RETURN(
      look.held_before,
      store::HeldBefore(db_, {.skill = input_.skill,
                              .original = input_.current,
                              .proposed = result.candidates[*result.best].description,
                              .eval_set_sha256 = set_sha}));
  if (!look.held_before.empty()) return look;
  ST_ASSIGN_OR_RETURN(const auto looks, store::EntriesOfLooks(db_, input_.skill));
  look.look = LookToCome(looks, input_.set);
  look.alpha = stats::AlphaForLook(look.look);
  if (!look.alpha.has_value()) return look;  // nothing is written
  ST_RETURN_IF_ERROR(AddCandidates(result, &look));
  ST_RETURN_IF_ERROR(store::AddHoldoutLook(db_, input_.skill,
                                           {.look = look.look,
                                            .proposal_id = best_proposal_id_,
                                            .eval_set_sha256 = set_sha,
                                            .entries = result.plan.holdout,
                                            .alpha = *look.alpha},
                                           clock_.Now()));
  ST_RETURN_IF_ERROR(txn.Commit());
  charged_ = true;
  return look;
}

Status AuditTrail::Finish(const EvolveResult& result) {
  // Also what was cancelled is brought to its end.
  const store::Db::NoCancel whole(db_);
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db_));
  if (!charged_) {
    ST_RETURN_IF_ERROR(eval::StoreEvalSet(db_, input_.set, clock_.Now()));
    ST_RETURN_IF_ERROR(AddCandidates(result, nullptr));
  }
  if (!best_proposal_id_.empty()) ST_RETURN_IF_ERROR(EndBest(result));
  return txn.Commit();
}

Status AuditTrail::AddCandidates(const EvolveResult& result, const ChargedLook* look) {
  best_proposal_id_.clear();
  for (size_t i = 0; i < result.candidates.size(); ++i) {
    ST_RETURN_IF_ERROR(AddCandidate(result, i, look));
  }
  return absl::OkStatus();
}

Status AuditTrail::AddCandidate(const EvolveResult& result, size_t index, const ChargedLook* look) {
  const Candidate& candidate = result.candidates[index];
  const UtcMillis now = clock_.Now();
  const std::string id = fmt::format("evo-{}-{}", input_.skill, base::MakeUlid(now));
  const bool best = result.best == index;
  const std::string eval_set = best ? EvalSetJson(input_.set, look) : std::string();
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
                                           now));
  if (best) {
    best_proposal_id_ = id;
    return absl::OkStatus();
  }
  const bool refused = candidate.fate == CandidateFate::kConstitution;
  return store::AddStep(db_, id,
                        {.action = refused ? ProposalState::kRejected : ProposalState::kSuperseded,
                         .details = candidate.details,
                         .run_id = context_.run_id},
                        now);
}

// A text is never barred for what its test could not find out.
Status AuditTrail::EndBest(const EvolveResult& result) {
  const bool accepted = Accepted(result);
  if (result.tested) ST_RETURN_IF_ERROR(AddFigures(result));
  const std::string snapshot =
      result.tested ? Snapshot(result.passed_after, result.counted) : std::string();
  const std::string validation = result.tested ? ValidationJson(result) : std::string();
  const bool broken_off = result.looked && !result.tested;
  std::string details =
      broken_off ? "its test did not come to an end: " + result.reason : result.reason;
  const std::vector<std::string>& review = result.candidates[*result.best].review;
  if (accepted && !review.empty()) details += "; needs a review: " + base::Join(review, "; ");
  return store::AddStep(
      db_, best_proposal_id_,
      {.action = accepted ? ProposalState::kValidated : ProposalState::kSuperseded,
       .details = details,
       .snapshot = snapshot,
       .validation = validation,
       .run_id = context_.run_id,
       .validation_mode = "llm_judge",
       .validation_agent = context_.agent},
      clock_.Now());
}

Status AuditTrail::AddFigures(const EvolveResult& result) {
  const std::string tier = TierOf(result);
  const store::ProposalFigures figures{.tier = tier,
                                       .gains = result.gains,
                                       .losses = result.losses,
                                       .holdout = result.counted,
                                       .p = result.decision.p,
                                       .alpha = result.decision.alpha};
  ST_RETURN_IF_ERROR(
      store::SetFigures(db_, best_proposal_id_, figures, result.reason_code, clock_.Now()));
  ST_RETURN_IF_ERROR(store::SetLookFigures(db_, best_proposal_id_, figures));
  return AddAnswers(result);
}

Status AuditTrail::AddAnswers(const EvolveResult& result) {
  std::vector<store::ReplayRow> rows;
  int64_t number = 0;
  for (const HeldOutEntry& entry : result.held_out) {
    for (const bool after : {false, true}) {
      const JudgeTally& tally = after ? entry.after : entry.before;
      std::optional<bool> triggered;
      if (!tally.tied()) triggered = tally.triggered();
      rows.push_back({.proposal_id = best_proposal_id_,
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
  return store::AddReplayResults(db_, rows, clock_.Now());
}

Status EndUnfinished(store::Db& db, std::string_view skill, std::string_view run_id,
                     UtcMillis now) {
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> ids, store::UnfinishedProposals(db, skill));
  if (ids.empty()) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db));
  for (const std::string& id : ids) {
    ST_RETURN_IF_ERROR(store::AddStep(db, id,
                                      {.action = ProposalState::kSuperseded,
                                       .details = "its evolution did not come to an end",
                                       .run_id = run_id},
                                      now));
  }
  return txn.Commit();
}

}  // namespace selftune::evolution
