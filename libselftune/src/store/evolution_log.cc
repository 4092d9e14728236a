#include "store/evolution_log.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/json_value.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "store/audit_chain.h"
#include "store/ingest_writer.h"

namespace selftune::store {
namespace {

struct StateWord {
  ProposalState state;
  std::string_view word;
};
constexpr std::array kStates = {
    StateWord{ProposalState::kCreated, "created"},
    StateWord{ProposalState::kValidated, "validated"},
    StateWord{ProposalState::kRejected, "rejected"},
    StateWord{ProposalState::kSuperseded, "superseded"},
    StateWord{ProposalState::kApproved, "approved"},
    StateWord{ProposalState::kDeploying, "deploying"},
    StateWord{ProposalState::kDeployed, "deployed"},
    StateWord{ProposalState::kConfirmed, "confirmed"},
    StateWord{ProposalState::kRolledBack, "rolled_back"},
    StateWord{ProposalState::kConflicted, "conflicted"},
};

constexpr char kInsertProposal[] =
    "INSERT INTO proposal(proposal_id,skill_id,target,location,state,original_body,proposed_body,"
    "original_sha256,confidence,rationale,created_ms,updated_ms) "
    "VALUES(?1,?2,'description',?3,'created',?4,?5,?6,?7,?8,?9,?9)";

constexpr char kSelectState[] =
    "SELECT state, skill_id, location FROM proposal WHERE proposal_id=?1";

constexpr char kSetState[] = "UPDATE proposal SET state=?2, updated_ms=?3 WHERE proposal_id=?1";

constexpr char kSetDeployed[] = "UPDATE proposal SET deployed_sha256=?2 WHERE proposal_id=?1";

constexpr char kSetFigures[] =
    "UPDATE proposal SET tier=?2, gains=?3, losses=?4, p=?5, alpha=?6, holdout=?7, "
    "reason_code=?8, updated_ms=?9 WHERE proposal_id=?1";

#define ST_PROPOSAL_COLUMNS                                                                       \
  "SELECT p.proposal_id, k.name, p.location, o.text, n.text, p.rationale, p.reason_code, p.tier," \
  " p.original_sha256, p.state, p.gains, p.losses, p.p, p.created_ms, p.updated_ms "              \
  "FROM proposal p JOIN skill k ON k.skill_id=p.skill_id "                                        \
  "LEFT JOIN body o ON o.body_id=p.original_body LEFT JOIN body n ON n.body_id=p.proposed_body "
constexpr char kSelectProposal[] = ST_PROPOSAL_COLUMNS "WHERE p.proposal_id=?1";
constexpr char kOpenProposals[] = ST_PROPOSAL_COLUMNS
    "WHERE k.name_key=?1 AND p.state IN('validated','approved') AND coalesce(p.tier,'')<>'hold' "
    "ORDER BY p.updated_ms DESC, p.proposal_id DESC";
#undef ST_PROPOSAL_COLUMNS

constexpr char kRejectedTexts[] =
    "SELECT n.text FROM proposal p JOIN skill k ON k.skill_id=p.skill_id "
    "JOIN body n ON n.body_id=p.proposed_body WHERE k.name_key=?1 AND "
    "p.state IN('rejected','rolled_back') AND n.text IS NOT NULL ORDER BY p.updated_ms DESC";

constexpr char kUnfinished[] =
    "SELECT p.proposal_id FROM proposal p JOIN skill k ON k.skill_id=p.skill_id "
    "WHERE k.name_key=?1 AND p.state='created' ORDER BY p.proposal_id";

constexpr char kSkillsWithUnfinished[] =
    "SELECT DISTINCT k.name FROM proposal p JOIN skill k ON k.skill_id=p.skill_id "
    "WHERE p.state='created' ORDER BY k.name";

constexpr char kInsertLook[] =
    "INSERT INTO holdout_look(skill_id,look,at_ms,proposal_id,eval_set_sha256,entries,gains,"
    "losses,p,alpha,tier) VALUES(?1,?2,?3,?4,?5,?6,0,0,1,?7,'hold')";

constexpr char kSetLookFigures[] =
    "UPDATE holdout_look SET gains=?2, losses=?3, p=?4, tier=?5 WHERE proposal_id=?1";

constexpr char kLooks[] =
    "SELECT h.skill_id, h.at_ms, e.eval_set FROM holdout_look h JOIN skill k ON "
    "k.skill_id=h.skill_id LEFT JOIN evolution_event e ON e.proposal_id=h.proposal_id AND "
    "e.action='created' WHERE k.name_key=?1 ORDER BY h.at_ms, h.look";

constexpr char kHeldOutUntil[] =
    "SELECT entry_id FROM eval_entry WHERE skill_id=?1 AND split='test' AND first_ms<=?2";

constexpr char kHeldBefore[] =
    "SELECT p.proposal_id FROM holdout_look h JOIN skill k ON k.skill_id=h.skill_id "
    "JOIN proposal p ON p.proposal_id=h.proposal_id JOIN body o ON o.body_id=p.original_body "
    "JOIN body n ON n.body_id=p.proposed_body WHERE k.name_key=?1 AND h.eval_set_sha256=?2 AND "
    "o.text=?3 AND n.text=?4 AND p.reason_code IN('hold','neighbour_regression') "
    "ORDER BY h.at_ms DESC, h.look DESC LIMIT 1";

Status InsertStep(Db& db, std::string_view proposal_id, SkillId skill, std::string_view location,
                  const AuditStep& step, std::string texts, UtcMillis now) {
  db.Touch(kTopicEvolution);
  db.Count(Counter::kEvidence, 1);
  return AppendEvent(db, {.event_id = base::MakeUlid(now),
                          .proposal_id = std::string(proposal_id),
                          .action = std::string(Word(step.action)),
                          .details = std::string(step.details),
                          .validation = std::string(step.validation),
                          .eval_set = std::string(step.eval_set),
                          .snapshot = std::string(step.snapshot),
                          .location = std::string(location),
                          .sha256_before = std::string(step.sha256_before),
                          .sha256_after = std::string(step.sha256_after),
                          .run_id = std::string(step.run_id),
                          .mode = std::string(step.validation_mode),
                          .agent = std::string(step.validation_agent),
                          .texts = std::move(texts),
                          .skill = skill.value,
                          .iterations = step.iterations,
                          .at = now});
}

Status Unknown(std::string_view proposal_id) {
  return WithSuggestion(Fail(kNotFound, "proposal {}: not known", proposal_id),
                        "see which proposals there are", "selftune proposals list");
}

StatusOr<std::vector<std::string>> FirstColumn(Cursor& rows) {
  std::vector<std::string> out;
  while (true) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back(rows.String(0));
  }
}

// Held-out entries of an eval set as the audit has it; empty: it does not say.
std::vector<std::string> HeldOutOf(std::string_view eval_set) {
  std::vector<std::string> out;
  const auto set = base::JsonValue::Parse(eval_set);
  if (!set.ok()) return out;
  for (const base::JsonValue& entry : (*set)["entries"].items()) {
    if (entry["split"].AsString() == "test") out.push_back(entry["id"].AsString());
  }
  return out;
}

StoredProposal ProposalOf(const Cursor& row) {
  StoredProposal out;
  out.proposal_id = row.String(0);
  out.skill = row.String(1);
  out.location = row.String(2);
  out.original = row.String(3);
  out.proposed = row.String(4);
  out.rationale = row.String(5);
  out.reason_code = row.String(6);
  out.tier = row.String(7);
  out.original_sha256 = std::string(row.Bytes(8));
  out.state = ParseProposalState(row.Text(9)).value_or(ProposalState::kCreated);
  out.gains = row.Int(10);
  out.losses = row.Int(11);
  out.p = row.IsNull(12) ? 1 : row.Double(12);
  out.created = row.Time(13);
  out.updated = row.Time(14);
  return out;
}

}  // namespace

std::string_view Word(ProposalState state) {
  for (const StateWord& entry : kStates) {
    if (entry.state == state) return entry.word;
  }
  return "created";
}

std::optional<ProposalState> ParseProposalState(std::string_view word) {
  for (const StateWord& entry : kStates) {
    if (entry.word == word) return entry.state;
  }
  return std::nullopt;
}

bool MayFollow(ProposalState from, ProposalState to) {
  using S = ProposalState;
  switch (from) {
    case S::kCreated:
      return to == S::kValidated || to == S::kRejected || to == S::kSuperseded;
    case S::kValidated:
      return to == S::kRejected || to == S::kSuperseded || to == S::kApproved;
    case S::kApproved:
      return to == S::kDeploying || to == S::kRejected || to == S::kSuperseded;
    case S::kDeploying:
      return to == S::kDeployed || to == S::kConflicted || to == S::kApproved;
    case S::kDeployed:
      return to == S::kConfirmed || to == S::kRolledBack || to == S::kConflicted ||
             to == S::kSuperseded;
    case S::kConfirmed:
      return to == S::kRolledBack || to == S::kSuperseded;
    case S::kRejected:
    case S::kSuperseded:
    case S::kRolledBack:
    case S::kConflicted:
      return false;
  }
  return false;
}

Status CreateProposal(Db& db, const NewProposal& proposal, const AuditStep& created,
                      UtcMillis now) {
  IngestWriter writer(db, now);
  ST_ASSIGN_OR_RETURN(const SkillId skill, writer.EnsureSkill(proposal.skill));
  ST_ASSIGN_OR_RETURN(const BodyId original, writer.InternBody(proposal.original));
  ST_ASSIGN_OR_RETURN(const BodyId proposed, writer.InternBody(proposal.proposed));
  ST_RETURN_IF_ERROR(db.Run(kInsertProposal, proposal.proposal_id, skill, OrNull{proposal.location},
                            original, proposed, Blob{proposal.original_sha256}, proposal.confidence,
                            OrNull{proposal.rationale}, now));
  return InsertStep(db, proposal.proposal_id, skill, proposal.location, created,
                    TextsDigest(proposal.original, proposal.proposed), now);
}

Status AddStep(Db& db, std::string_view proposal_id, const AuditStep& step, UtcMillis now) {
  SkillId skill;
  std::string location;
  {
    ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kSelectState, proposal_id));
    ST_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (!found) return Unknown(proposal_id);
    const auto state = ParseProposalState(row.Text(0));
    if (!state.has_value() || !MayFollow(*state, step.action)) {
      return Fail(kConflicted, "proposal {}: {} may not follow {}", proposal_id, Word(step.action),
                  row.Text(0));
    }
    skill = row.Key<SkillId>(1);
    location = row.String(2);
  }
  ST_RETURN_IF_ERROR(db.Run(kSetState, proposal_id, Word(step.action), now));
  if (step.action == ProposalState::kDeployed) {
    ST_RETURN_IF_ERROR(db.Run(kSetDeployed, proposal_id, Blob{step.sha256_after}));
  }
  return InsertStep(db, proposal_id, skill, location, step, "", now);
}

Status SetFigures(Db& db, std::string_view proposal_id, const ProposalFigures& figures,
                  std::string_view reason_code, UtcMillis now) {
  db.Touch(kTopicEvolution);
  return db.Run(kSetFigures, proposal_id, OrNull{figures.tier}, figures.gains, figures.losses,
                figures.p, figures.alpha, figures.holdout, OrNull{reason_code}, now);
}

StatusOr<StoredProposal> LoadProposal(Db& db, std::string_view proposal_id) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kSelectProposal, proposal_id));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return Unknown(proposal_id);
  return ProposalOf(row);
}

StatusOr<std::vector<StoredProposal>> OpenProposals(Db& db, std::string_view skill) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kOpenProposals, base::AsciiLower(skill)));
  std::vector<StoredProposal> out;
  while (true) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back(ProposalOf(rows));
  }
}

StatusOr<std::vector<std::string>> UnfinishedProposals(Db& db, std::string_view skill) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kUnfinished, base::AsciiLower(skill)));
  return FirstColumn(rows);
}

StatusOr<std::vector<std::string>> SkillsWithUnfinished(Db& db) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kSkillsWithUnfinished));
  return FirstColumn(rows);
}

StatusOr<std::vector<std::string>> RejectedTexts(Db& db, std::string_view skill) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kRejectedTexts, base::AsciiLower(skill)));
  return FirstColumn(rows);
}

Status AddHoldoutLook(Db& db, std::string_view skill, const HoldoutLook& look, UtcMillis now) {
  IngestWriter writer(db, now);
  ST_ASSIGN_OR_RETURN(const SkillId id, writer.EnsureSkill(skill));
  db.Touch(kTopicEvolution);
  return db.Run(kInsertLook, id, look.look, now, look.proposal_id, Blob{look.eval_set_sha256},
                look.entries, look.alpha);
}

Status SetLookFigures(Db& db, std::string_view proposal_id, const ProposalFigures& figures) {
  return db.Run(kSetLookFigures, proposal_id, figures.gains, figures.losses, figures.p,
                figures.tier.empty() ? "hold" : figures.tier);
}

StatusOr<std::vector<std::vector<std::string>>> EntriesOfLooks(Db& db, std::string_view skill) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kLooks, base::AsciiLower(skill)));
  std::vector<std::vector<std::string>> out;
  while (true) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    std::vector<std::string>& seen = out.emplace_back(HeldOutOf(rows.String(2)));
    if (!seen.empty()) continue;
    // An old look does not say: it may have seen all there was.
    ST_ASSIGN_OR_RETURN(Cursor entries, db.Query(kHeldOutUntil, rows.Int(0), rows.Int(1)));
    ST_ASSIGN_OR_RETURN(seen, FirstColumn(entries));
  }
}

StatusOr<std::string> HeldBefore(Db& db, const Comparison& comparison) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kHeldBefore, base::AsciiLower(comparison.skill),
                                           Blob{comparison.eval_set_sha256}, comparison.original,
                                           comparison.proposed));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  return found ? row.String(0) : std::string();
}

}  // namespace selftune::store
