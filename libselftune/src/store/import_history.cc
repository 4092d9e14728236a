// Proposals, replays and runs that the reference had.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_value.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "store/audit_chain.h"
#include "store/import_rows.h"

namespace selftune::store {
namespace {

constexpr char kSteps[] = R"sql(
  SELECT event_pk,event_id,action,occurred_ms FROM evolution_event WHERE proposal_id=?1 ORDER BY event_pk)sql";
constexpr char kHasProposal[] = R"sql(SELECT 1 FROM proposal WHERE proposal_id=?1)sql";
constexpr char kAddProposal[] = R"sql(
  INSERT INTO proposal(proposal_id,skill_id,target,location,state,original_body,proposed_body,confidence,rationale,
    reason_code,created_ms,updated_ms) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,'imported',?10,?11))sql";
constexpr char kSetState[] =
    R"sql(UPDATE proposal SET state=?2, updated_ms=max(updated_ms,?3) WHERE proposal_id=?1)sql";
constexpr char kAddReplay[] = R"sql(
  INSERT INTO replay_result(proposal_id,run_id,phase,entry_no,rep,skill_id,validation_mode,query_body,should_trigger,
    triggered,passed,evidence) VALUES(?1,?2,?3,?4,1,?5,?6,?7,?8,?9,?10,?11) ON CONFLICT DO NOTHING)sql";
constexpr char kAddRun[] = R"sql(
  INSERT INTO job_run(run_id,job,started_ms,elapsed_ms,status,dry_run,approval_mode,metrics,error)
  VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9) ON CONFLICT DO NOTHING)sql";
constexpr char kAddAction[] = R"sql(
  INSERT INTO job_action(run_id,ord,skill_id,action,reason,deployed,rolled_back,alert,elapsed_ms,llm_calls)
  VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10) ON CONFLICT DO NOTHING)sql";

constexpr std::array kOpen = {ProposalState::kCreated, ProposalState::kValidated,
                              ProposalState::kApproved, ProposalState::kDeploying};
constexpr std::string_view kClosing = ":end";

struct Step {
  int64_t pk = 0;
  std::string event_id, action;
  UtcMillis at;
};

StatusOr<std::vector<Step>> StepsOf(Db& db, std::string_view proposal) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kSteps, proposal));
  std::vector<Step> out;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back({rows.Int(0), rows.String(1), rows.String(2), rows.Time(3)});
  }
}

// As the newest step of the reference leaves it.
std::string FinalState(const std::vector<Step>& steps) {
  const Step* newest = nullptr;
  for (const Step& step : steps) {
    const bool ours = step.event_id.find(kClosing) != step.event_id.npos;
    if (!ours && (newest == nullptr || step.at >= newest->at)) newest = &step;
  }
  if (newest == nullptr) return std::string(Word(ProposalState::kSuperseded));
  for (const ProposalState open : kOpen) {
    if (newest->action == Word(open)) return std::string(Word(ProposalState::kSuperseded));
  }
  return newest->action;
}

class Writer {
 public:
  Writer(IngestWriter& writer, const ImportedProposal& proposal)
      : writer_(writer), db_(writer.db()), proposal_(proposal) {}

  StatusOr<WrittenSteps> Write() {
    ST_ASSIGN_OR_RETURN(skill_, writer_.EnsureSkill(proposal_.skill));
    ST_ASSIGN_OR_RETURN(steps_, StepsOf(db_, proposal_.proposal_id));
    const bool is_new = steps_.empty();
    WrittenSteps out;
    for (const ImportedStep& step : proposal_.steps) {
      const Step* const known = Find(step.event_id);
      out.is_new.push_back(known == nullptr);
      if (known != nullptr) {
        out.pks.push_back(known->pk);
        continue;
      }
      ST_ASSIGN_OR_RETURN(const int64_t pk, Append(EventOf(step), is_new && steps_.empty()));
      out.pks.push_back(pk);
    }
    if (std::find(out.is_new.begin(), out.is_new.end(), true) == out.is_new.end()) return out;
    ST_RETURN_IF_ERROR(Close());
    return out;
  }

 private:
  const Step* Find(std::string_view event_id) const {
    const auto it =
        std::ranges::find_if(steps_, [&](const Step& s) { return s.event_id == event_id; });
    return it != steps_.end() ? &*it : nullptr;
  }

  AuditEvent EventOf(const ImportedStep& step) const {
    return {.event_id = step.event_id,
            .proposal_id = proposal_.proposal_id,
            .action = std::string(Word(step.action)),
            .details = step.details,
            .validation = step.validation,
            .eval_set = step.eval_set,
            .snapshot = step.snapshot,
            .location = proposal_.location,
            .sha256_before = {},
            .sha256_after = {},
            .run_id = {},
            .mode = step.mode,
            .agent = step.agent,
            .texts = {},
            .target = proposal_.target,
            .skill = skill_.value,
            .iterations = step.iterations,
            .at = step.at};
  }

  StatusOr<int64_t> Append(AuditEvent event, bool first) {
    if (first) event.texts = TextsDigest(proposal_.original, proposal_.proposed);
    db_.Touch(kTopicEvolution);
    db_.Count(Counter::kEvidence, 1);
    ST_RETURN_IF_ERROR(AppendEvent(db_, event));
    ST_ASSIGN_OR_RETURN(steps_, StepsOf(db_, proposal_.proposal_id));
    return steps_.back().pk;
  }

  // The chain ends with what the proposal is.
  Status Close() {
    const std::string state = FinalState(steps_);
    if (steps_.back().action != state) {
      ImportedStep end;
      end.event_id = fmt::format("{}{}{}", steps_.front().event_id, kClosing, steps_.size());
      end.action = ParseProposalState(state).value_or(ProposalState::kSuperseded);
      end.at = std::ranges::max_element(steps_, {}, &Step::at)->at;
      end.details = "imported; as it was left there";
      ST_RETURN_IF_ERROR(Append(EventOf(end), false).status());
    }
    ST_ASSIGN_OR_RETURN(const int64_t there, db_.QueryInt(kHasProposal, 0, proposal_.proposal_id));
    const UtcMillis last = proposal_.steps.back().at;
    if (there != 0) return db_.Run(kSetState, proposal_.proposal_id, state, last);
    BodyId original, proposed;
    if (!proposal_.original.empty() && !proposal_.proposed.empty()) {
      ST_ASSIGN_OR_RETURN(original, writer_.InternBody(proposal_.original));
      ST_ASSIGN_OR_RETURN(proposed, writer_.InternBody(proposal_.proposed));
    }
    return db_.Run(kAddProposal, proposal_.proposal_id, skill_, proposal_.target,
                   OrNull{proposal_.location}, state, original, proposed, proposal_.confidence,
                   OrNull{proposal_.rationale}, proposal_.steps.front().at, last);
  }

  IngestWriter& writer_;
  Db& db_;
  const ImportedProposal& proposal_;
  SkillId skill_;
  std::vector<Step> steps_;
};

}  // namespace

StatusOr<WrittenSteps> WriteImportedProposal(IngestWriter& writer,
                                             const ImportedProposal& proposal) {
  return Writer(writer, proposal).Write();
}

StatusOr<bool> WriteImportedReplay(IngestWriter& writer, const ImportedReplay& row) {
  Db& db = writer.db();
  ST_ASSIGN_OR_RETURN(const SkillId skill, writer.EnsureSkill(row.skill));
  ST_ASSIGN_OR_RETURN(const BodyId query, writer.InternBody(row.query));
  ST_RETURN_IF_ERROR(db.Run(kAddReplay, row.proposal_id, row.run_id, row.phase, row.entry_no, skill,
                            row.mode, query, row.should_trigger, row.triggered, row.passed,
                            OrNull{row.evidence}));
  return db.changes() > 0;
}

StatusOr<bool> WriteImportedRun(IngestWriter& writer, const ImportedRun& run) {
  Db& db = writer.db();
  ST_RETURN_IF_ERROR(db.Run(kAddRun, run.run_id, run.job, run.started, run.elapsed_ms, run.status,
                            run.dry_run, OrNull{run.approval_mode}, OrNull{run.metrics},
                            OrNull{run.error}));
  if (db.changes() == 0) return false;
  db.Touch(kTopicJobs);
  int64_t ord = 0;
  for (const JobAction& action : run.actions) {
    SkillId skill;
    if (!base::Trim(action.skill).empty()) {
      ST_ASSIGN_OR_RETURN(skill, writer.EnsureSkill(action.skill));
    }
    ST_RETURN_IF_ERROR(db.Run(kAddAction, run.run_id, ord++, skill, action.action,
                              OrNull{action.reason}, action.deployed, action.rolled_back,
                              OrNull{action.alert}, action.elapsed_ms, action.llm_calls));
  }
  return true;
}

}  // namespace selftune::store
