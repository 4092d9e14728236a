// Proposals and their audit: an append-only chain of hashed steps per
// proposal, with the proposal's latest state beside it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/rows.h"

namespace selftune::store {

// States and steps share their words.
enum class ProposalState {
  kCreated,
  kValidated,
  kRejected,
  kSuperseded,
  kApproved,
  kDeploying,
  kDeployed,
  kConfirmed,
  kRolledBack,
  kConflicted
};
[[nodiscard]] std::string_view Word(ProposalState state);
[[nodiscard]] std::optional<ProposalState> ParseProposalState(std::string_view word);
// May `to` follow `from`? A proposal begins at kCreated.
[[nodiscard]] bool MayFollow(ProposalState from, ProposalState to);

struct NewProposal {
  std::string_view proposal_id = {}, skill = {}, location = {};  // location: path of SKILL.md
  std::string_view original = {}, proposed = {};                 // description texts
  std::string_view original_sha256 = {};                         // raw, of the whole file
  std::string_view rationale = {};
  std::optional<double> confidence = {};
};

// Figures of the held-out test.
struct ProposalFigures {
  std::string_view tier = {};  // promote canary hold, "" = the test was worth nothing
  int64_t gains = 0, losses = 0, holdout = 0;
  double p = 1, alpha = 0;
};

struct AuditStep {
  ProposalState action = ProposalState::kCreated;
  std::string_view details = {};     // one line
  std::string_view snapshot = {};    // JSON {total, passed, failed, pass_rate, wilson95}
  std::string_view validation = {};  // JSON, per-entry results
  std::string_view eval_set = {};    // JSON
  std::string_view sha256_before = {}, sha256_after = {};  // raw, "" = no file touched
  std::string_view run_id = {};
  std::string_view validation_mode = {}, validation_agent = {};
  std::optional<int64_t> iterations = {};
};

// Inside a WriteTxn, both: writes the row and its first step.
[[nodiscard]] Status CreateProposal(Db& db, const NewProposal& proposal, const AuditStep& created,
                                    UtcMillis now);
// Moves the proposal on. CONFLICTED when the step may not follow the present
// state, NOT_FOUND when there is no such proposal.
[[nodiscard]] Status AddStep(Db& db, std::string_view proposal_id, const AuditStep& step,
                             UtcMillis now);
[[nodiscard]] Status SetFigures(Db& db, std::string_view proposal_id,
                                const ProposalFigures& figures, std::string_view reason_code,
                                UtcMillis now);

struct StoredProposal {
  std::string proposal_id, skill, location, original, proposed, rationale, reason_code, tier;
  std::string original_sha256;  // raw
  ProposalState state = ProposalState::kCreated;
  int64_t gains = 0, losses = 0;
  double p = 1;
  UtcMillis created, updated;
};
// NOT_FOUND when there is none.
[[nodiscard]] StatusOr<StoredProposal> LoadProposal(Db& db, std::string_view proposal_id);
// Proposals of the skill that passed their test and wait for a decision or for
// their deploy (validated or approved, not on hold), newest first.
[[nodiscard]] StatusOr<std::vector<StoredProposal>> OpenProposals(Db& db, std::string_view skill);
// Proposals whose evolution never came to an end: its process died.
[[nodiscard]] StatusOr<std::vector<std::string>> UnfinishedProposals(Db& db,
                                                                     std::string_view skill);
// Names of the skills that have some.
[[nodiscard]] StatusOr<std::vector<std::string>> SkillsWithUnfinished(Db& db);
// Texts that were rejected or rolled back for this skill, newest first.
[[nodiscard]] StatusOr<std::vector<std::string>> RejectedTexts(Db& db, std::string_view skill);

// One look at the held-out entries (alpha spending). Written before the look, with
// its figures put in behind it.
struct HoldoutLook {
  int64_t look = 1;
  std::string_view proposal_id = {}, eval_set_sha256 = {};  // raw
  int64_t entries = 0;                                      // held-out ones it is made on
  double alpha = 0;
};
[[nodiscard]] Status AddHoldoutLook(Db& db, std::string_view skill, const HoldoutLook& look,
                                    UtcMillis now);
[[nodiscard]] Status SetLookFigures(Db& db, std::string_view proposal_id,
                                    const ProposalFigures& figures);
// Ids of the held-out entries that each earlier look saw, oldest look first.
[[nodiscard]] StatusOr<std::vector<std::vector<std::string>>> EntriesOfLooks(
    Db& db, std::string_view skill);

// What was compared by a look.
struct Comparison {
  std::string_view skill = {}, original = {}, proposed = {};  // description texts
  std::string_view eval_set_sha256 = {};                      // raw
};
// The newest proposal whose look at just this came to an end and held the text
// back; "" = none did.
[[nodiscard]] StatusOr<std::string> HeldBefore(Db& db, const Comparison& comparison);

}  // namespace selftune::store
