// Proposals, deploys, watches and runs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/queries/page.h"
#include "store/rows.h"

namespace selftune::store {

struct ProposalItem {
  std::string proposal_id, skill, target, location, state, rationale, reason_code, tier;
  SkillId skill_id;
  std::optional<std::string> original, proposed;
  std::string original_sha256, deployed_sha256;  // hex
  std::optional<double> confidence, p, alpha;
  std::optional<int64_t> gains, losses, holdout;
  UtcMillis created, updated;
};
struct ProposalRequest {
  std::string state = {};  // "" = any; "open" = created, validated, approved
  std::optional<SkillId> skill = {};
  PageRequest page = {};
};
struct ProposalPage {
  std::vector<ProposalItem> items;  // newest first
  std::string next;
};
[[nodiscard]] StatusOr<ProposalPage> ListProposals(Db& db, const ProposalRequest& request);
// NOT_FOUND.
[[nodiscard]] StatusOr<ProposalItem> FindProposal(Db& db, std::string_view proposal_id);

struct EvolutionEventItem {
  std::string event_id, proposal_id, skill, action, details, target, location, run_id, hash;
  UtcMillis at;
};
// Oldest first.
[[nodiscard]] StatusOr<std::vector<EvolutionEventItem>> ReadEvolution(Db& db,
                                                                      std::string_view proposal_id);

struct RunActionItem {
  std::string skill, action, reason, alert;
  std::optional<bool> deployed, rolled_back;
  std::optional<int64_t> elapsed_ms, llm_calls;
};
struct RunItem {
  std::string run_id, job, status, trigger, approval_mode, metrics, error;
  UtcMillis started;
  std::optional<int64_t> elapsed_ms;
  bool dry_run = false;
  std::vector<RunActionItem> actions;
};
struct RunPage {
  std::vector<RunItem> items;  // newest first
  std::string next;
};
// `job` "" = any.
[[nodiscard]] StatusOr<RunPage> ListRuns(Db& db, std::string_view job, const PageRequest& page);

}  // namespace selftune::store
