#include "deploy/deploy_log.h"

#include <unistd.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/time.h"
#include "store/deploy_rows.h"
#include "store/evolution_log.h"
#include "store/job_rows.h"
#include "store/write_txn.h"

namespace selftune::deploy {
namespace {

using store::ProposalState;

constexpr int64_t kRollbacksToFreeze = 2;

std::string Raw(const std::string& hex) { return base::FromHex(hex).value_or(""); }

store::DeployRow RowOf(const Intent& intent, const std::vector<std::string>& platforms) {
  store::DeployRow row;
  row.deploy_id = intent.deploy_id;
  row.proposal_id = intent.proposal_id;
  row.skill = intent.skill;
  row.kind = std::string(Word(intent.kind));
  row.undoes = intent.undoes;
  row.started = intent.created;
  for (size_t i = 0; i < intent.targets.size(); ++i) {
    const IntentTarget& target = intent.targets[i];
    row.targets.push_back({.path = target.path,
                           .platform = i < platforms.size() ? platforms[i] : "",
                           .old_sha256 = Raw(target.old_sha256),
                           .new_sha256 = Raw(target.new_sha256),
                           .git = target.git_head,
                           .dev = target.dev,
                           .inode = target.inode});
  }
  return row;
}

// Words of table deploy and deploy_target for an ending.
std::string_view TargetState(Ending ending) {
  switch (ending) {
    case Ending::kDeployed:
      return "swapped";
    case Ending::kAborted:
      return "restored";
    case Ending::kConflicted:
      return "conflicted";
  }
  return "conflicted";
}

// The step of the proposal that an ending of this kind of deploy is.
ProposalState StepOf(Kind kind, Ending ending) {
  if (kind == Kind::kRollback) return ProposalState::kRolledBack;
  switch (ending) {
    case Ending::kDeployed:
      return ProposalState::kDeployed;
    case Ending::kAborted:
      return ProposalState::kApproved;
    case Ending::kConflicted:
      return ProposalState::kConflicted;
  }
  return ProposalState::kConflicted;
}

}  // namespace

Status DeployLog::Begin(const Intent& intent, const std::vector<std::string>& platforms) const {
  store::Db& db = *world_.db;
  const UtcMillis now = world_.clock->Now();
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db));
  ST_RETURN_IF_ERROR(store::InsertDeploy(db, RowOf(intent, platforms), now));
  if (intent.kind == Kind::kDeploy && !intent.proposal_id.empty()) {
    const std::string before = Raw(intent.targets.front().old_sha256);
    const std::string details = fmt::format("deploy {}", intent.deploy_id);
    ST_RETURN_IF_ERROR(store::AddStep(db, intent.proposal_id,
                                      {.action = ProposalState::kDeploying,
                                       .details = details,
                                       .sha256_before = before,
                                       .run_id = run_id_},
                                      now));
  }
  return txn.Commit();
}

Status DeployLog::End(const Intent& intent, Ending ending, std::string_view reason) const {
  store::Db& db = *world_.db;
  const UtcMillis now = world_.clock->Now();
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db));
  const auto row = store::ReadDeploy(db, intent.deploy_id);
  // A repeated end; or one of a deploy that was rolled back since.
  if (row.ok() && (row->state == Word(ending) || row->state == "rolled_back")) {
    return absl::OkStatus();
  }
  if (!row.ok() && CodeOf(row.status()).name != kNotFound.name) return row.status();
  // The process died before it wrote the row, or its disk said that it could not.
  if (!row.ok()) ST_RETURN_IF_ERROR(store::InsertDeploy(db, RowOf(intent, {}), now));
  ST_RETURN_IF_ERROR(
      store::FinishDeploy(db, intent.deploy_id, Word(ending), reason, TargetState(ending), now));
  if (!intent.proposal_id.empty()) ST_RETURN_IF_ERROR(EndProposal(intent, ending, reason));
  if (ending == Ending::kDeployed) ST_RETURN_IF_ERROR(Rest(intent, now));
  return txn.Commit();
}

Status DeployLog::Rest(const Intent& intent, UtcMillis now) const {
  store::Db& db = *world_.db;
  std::optional<UtcMillis> frozen;
  if (intent.kind == Kind::kRollback) {
    ST_ASSIGN_OR_RETURN(const int64_t rollbacks,
                        store::RollbacksSince(db, intent.skill, {now.value - 30 * kDayMs}));
    if (rollbacks >= kRollbacksToFreeze) frozen = UtcMillis{now.value + 7 * kDayMs};
  }
  const std::string_view reason = intent.kind == Kind::kRollback ? "rolled back" : "deployed";
  return store::SetCooldown(db, intent.skill, {now.value + kDayMs}, frozen, reason, now);
}

Status DeployLog::EndProposal(const Intent& intent, Ending ending, std::string_view reason) const {
  // A rollback that was not made leaves the proposal deployed.
  if (intent.kind == Kind::kRollback && ending != Ending::kDeployed) return absl::OkStatus();
  store::Db& db = *world_.db;
  ST_ASSIGN_OR_RETURN(const store::StoredProposal proposal,
                      store::LoadProposal(db, intent.proposal_id));
  ProposalState step = StepOf(intent.kind, ending);
  // Written down as made, and found taken back.
  if (proposal.state == ProposalState::kDeployed && step == ProposalState::kApproved) {
    step = ProposalState::kRolledBack;
  }
  // Recovery may end a journal whose proposal never heard of it.
  if (!store::MayFollow(proposal.state, step)) return absl::OkStatus();
  const std::string before = Raw(intent.targets.front().old_sha256);
  const std::string after =
      ending == Ending::kDeployed ? Raw(intent.targets.front().new_sha256) : std::string();
  const std::string details = reason.empty()
                                  ? fmt::format("deploy {}", intent.deploy_id)
                                  : fmt::format("deploy {}: {}", intent.deploy_id, reason);
  return store::AddStep(db, intent.proposal_id,
                        {.action = step,
                         .details = details,
                         .sha256_before = before,
                         .sha256_after = after,
                         .run_id = run_id_},
                        world_.clock->Now());
}

StatusOr<base::LockFile> LockDeploys(const std::string& state_dir) {
  const std::string dir = base::JoinPath(state_dir, "locks");
  ST_RETURN_IF_ERROR(base::MakeDirs(dir, 0700));
  base::JsonWriter holder;
  holder.BeginObject()
      .Field("what", "deploy")
      .Field("pid", static_cast<int64_t>(::getpid()))
      .EndObject();
  return base::LockFile::TryAcquire(base::JoinPath(dir, "deploy.lock"), holder.view());
}

}  // namespace selftune::deploy
