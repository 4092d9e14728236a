#include "orchestrate/watching.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/time.h"
#include "deploy/journal.h"
#include "orchestrate/policy.h"
#include "orchestrate/skill_target.h"
#include "skillfs/frontmatter.h"
#include "store/deploy_rows.h"
#include "store/evolution_log.h"
#include "store/job_rows.h"
#include "store/write_txn.h"

namespace selftune::orchestrate {
namespace {

constexpr int64_t kMaxAgeDays = 30;  // a watch ends then anyway
constexpr uint64_t kMaxSkillBytes = 8 << 20;

class Watcher {
 public:
  Watcher(const WatchWorld& world, const WatchOptions& options)
      : world_(world), options_(options) {}

  WatchResult Look(store::WatchRow row) {
    WatchResult result;
    result.view.row = row;
    result.regressed = row.rollback_due;
    result.error = Look(std::move(row), result);
    if (!result.error.ok()) result.detail = std::string(Message(result.error));
    return result;
  }

 private:
  Status Look(store::WatchRow row, WatchResult& result) {
    ST_ASSIGN_OR_RETURN(const store::DeployRow deploy,
                        store::ReadDeploy(*world_.db, row.deploy_id));
    monitoring::LookOptions look;
    look.write = options_.write;
    look.alpha = options_.alpha;
    look.delta = options_.delta;
    ST_ASSIGN_OR_RETURN(look.description, DeployedDescription(deploy));
    look.file_is_deployed = FileIsDeployed(deploy);
    const std::string before = row.state;
    ST_ASSIGN_OR_RETURN(result.view,
                        monitoring::LookAt(*world_.db, std::move(row), look, world_.clock->Now()));
    result.regressed = result.view.row.state == "regressed";
    if (result.view.row.state == "confirmed" && before != "confirmed") {
      ST_RETURN_IF_ERROR(Confirm(deploy));
    }
    // Also a decision that was made earlier, but whose rollback did not happen.
    if (result.regressed && deploy.state == "deployed") return TakeBack(deploy, result);
    return absl::OkStatus();
  }

  // The text the deploy put there: from the journal, for the file may be edited;
  // where that is damaged, from the file if it is as deployed, or the proposal.
  StatusOr<std::optional<std::string>> DeployedDescription(const store::DeployRow& deploy) const {
    const deploy::Journal journal(world_.state_dir, deploy.deploy_id);
    const auto intent = journal.ReadIntent();
    auto bytes = intent.ok() ? journal.NewBytes(*intent, 0) : intent.status();
    if (!bytes.ok() && FileIsDeployed(deploy)) {
      bytes = base::ReadFile(deploy.targets.front().path, kMaxSkillBytes);
    }
    if (bytes.ok()) {
      return std::optional(skillfs::ParseFrontmatter(*bytes).description.value_or(""));
    }
    if (deploy.proposal_id.empty()) return std::optional<std::string>();
    ST_ASSIGN_OR_RETURN(const store::StoredProposal proposal,
                        store::LoadProposal(*world_.db, deploy.proposal_id));
    if (proposal.proposed.empty()) return std::optional<std::string>();
    return std::optional(proposal.proposed);
  }

  static bool FileIsDeployed(const store::DeployRow& deploy) {
    for (const store::DeployTargetRow& target : deploy.targets) {
      const auto bytes = base::ReadFile(target.path, kMaxSkillBytes);
      if (!bytes.ok() || base::Sha256Bytes(*bytes) != target.new_sha256) return false;
    }
    return true;
  }

  Status Confirm(const store::DeployRow& deploy) {
    if (!options_.write || deploy.proposal_id.empty()) return absl::OkStatus();
    ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(*world_.db));
    const std::string details = fmt::format("watch of deploy {} confirmed it", deploy.deploy_id);
    ST_RETURN_IF_ERROR(store::AddStep(
        *world_.db, deploy.proposal_id,
        {.action = store::ProposalState::kConfirmed, .details = details, .run_id = options_.run_id},
        world_.clock->Now()));
    return txn.Commit();
  }

  // Rollback is refused where a person keeps the decision; the alert stays.
  std::string WhyNot(const store::DeployRow& deploy) const {
    if (!options_.auto_rollback) return "automatic rollback was not asked for";
    if (options_.review_required) return "a review was asked for";
    if (!options_.write) return "dry run";
    const auto target = FindTarget(*world_.skills, deploy.skill, deploy.targets.front().path);
    if (!target.ok()) return {};  // the rollback itself says what is wrong
    if (target->managed_code == kHeldByHost) return target->managed_reason;
    const auto stored = store::ReadSkillPolicy(*world_.db, deploy.skill);
    if (!stored.ok()) return std::string(Message(stored.status()));
    const config::SkillAutonomy own =
        AutonomyOf({.target = &*target, .config = world_.config, .stored = *stored});
    if (own == config::SkillAutonomy::kAuto) return {};
    return fmt::format("the skill's autonomy is {}", config::Word(own));
  }

  Status TakeBack(const store::DeployRow& deploy, WatchResult& result) {
    result.detail = WhyNot(deploy);
    if (!result.detail.empty()) return absl::OkStatus();
    ST_ASSIGN_OR_RETURN(
        const deploy::RollbackOutcome outcome,
        deploy::Rollback({.db = world_.db, .state_dir = world_.state_dir, .clock = world_.clock},
                         deploy.deploy_id, result.view.row.reason, options_.run_id));
    result.rollback_state = std::string(deploy::Word(outcome.state));
    result.rollback_id = outcome.deploy_id;
    result.detail = outcome.detail;
    result.files = outcome.files;
    result.rolled_back = outcome.state != deploy::RollbackState::kConflicted;
    return absl::OkStatus();
  }

  const WatchWorld& world_;
  const WatchOptions& options_;
};

}  // namespace

StatusOr<std::vector<WatchResult>> LookAtWatches(const WatchWorld& world,
                                                 const WatchOptions& options) {
  if (options.write) ST_RETURN_IF_ERROR(BeginMissingWatches(world));
  ST_ASSIGN_OR_RETURN(std::vector<store::WatchRow> rows,
                      store::ListWatches(*world.db, options.skill, options.skill.empty()));
  std::vector<WatchResult> out;
  bool newest = true;
  for (store::WatchRow& row : rows) {
    if (!row.open() && !(newest && !options.skill.empty())) continue;
    newest = false;
    out.push_back(Watcher(world, options).Look(std::move(row)));
  }
  return out;
}

Status BeginMissingWatches(const WatchWorld& world) {
  const UtcMillis now = world.clock->Now();
  ST_ASSIGN_OR_RETURN(const std::vector<store::DeployRow> deploys,
                      store::UnwatchedDeploys(*world.db, {now.value - kMaxAgeDays * kDayMs}));
  for (const store::DeployRow& deploy : deploys) {
    const deploy::Journal journal(world.state_dir, deploy.deploy_id);
    const auto intent = journal.ReadIntent();
    const auto bytes = intent.ok() ? journal.OldBytes(*intent, 0) : intent.status();
    std::string before =
        bytes.ok() ? skillfs::ParseFrontmatter(*bytes).description.value_or("") : "";
    bool canary = false;
    if (!deploy.proposal_id.empty()) {
      ST_ASSIGN_OR_RETURN(const store::StoredProposal proposal,
                          store::LoadProposal(*world.db, deploy.proposal_id));
      canary = proposal.tier == "canary";
      if (!bytes.ok()) before = proposal.original;
    } else if (!bytes.ok()) {
      continue;  // made elsewhere: nothing is known about its text
    }
    ST_RETURN_IF_ERROR(
        monitoring::StartWatch(*world.db,
                               {.deploy_id = deploy.deploy_id,
                                .skill = deploy.skill,
                                .content_sha256 = deploy.targets.front().new_sha256,
                                .description_before = before,
                                .alpha = canary ? stats::kCanaryAlpha : stats::kWatchAlpha},
                               deploy.finished.value_or(deploy.started)));
  }
  return absl::OkStatus();
}

}  // namespace selftune::orchestrate
