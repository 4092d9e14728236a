#include "orchestrate/improve.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/lock_file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/time.h"
#include "deploy/deployer.h"
#include "deploy/git_state.h"
#include "evolution/quality.h"
#include "evolution/record.h"
#include "monitoring/watch.h"
#include "orchestrate/evolve_input.h"
#include "orchestrate/policy.h"
#include "orchestrate/skill_lock.h"
#include "orchestrate/skill_target.h"
#include "status/runs_rest.h"
#include "store/deploy_rows.h"
#include "store/evolution_log.h"
#include "store/job_rows.h"
#include "store/write_txn.h"

namespace selftune::orchestrate {
namespace {

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kSkillMinutes = 15;  // unless whoever asks says otherwise
constexpr double kPercent = 100;
constexpr int64_t kProposalDays = 7;  // what a test said holds as long
constexpr char kProbe[] = "Use this when a probe asks for it.";

class Improver {
 public:
  Improver(const ImproveWorld& world, const ImproveOptions& options)
      : world_(world), options_(options) {}

  StatusOr<ImproveResult> Run() {
    ST_ASSIGN_OR_RETURN(target_, FindTarget(*world_.skills, options_.skill, options_.skill_path));
    ST_RETURN_IF_ERROR(TakeLock());
    ST_ASSIGN_OR_RETURN(target_, FindTarget(*world_.skills, options_.skill, options_.skill_path));
    result_.skill = target_.skill;
    result_.before = target_.description;
    result_.diverged = target_.diverged;
    result_.quality_before =
        evolution::ScoreDescription(target_.description, target_.skill).composite;
    if (!target_.files.empty()) result_.sha256_before = target_.files.front().sha256;
    ST_ASSIGN_OR_RETURN(const bool allowed, MayBegin());
    if (!allowed) return std::move(result_);
    if (target_.from_frontmatter && Edited()) {
      Conclude("file_changed", target_.path + " was edited at this moment; nothing was done");
      return std::move(result_);
    }
    ST_ASSIGN_OR_RETURN(const bool waits, HasProposal());
    if (waits) return std::move(result_);
    ST_ASSIGN_OR_RETURN(evolution::EvolveInput input, InputOf(world_, options_, target_));
    result_.set = input.set;
    result_.evolution.plan = evolution::PlanEvolution(input);
    if (options_.plan_only || world_.backend == nullptr) {
      Conclude(result_.evolution.plan.reason_code.empty()
                   ? "dry_run"
                   : std::string(result_.evolution.plan.reason_code),
               result_.evolution.plan.reason);
      return std::move(result_);
    }
    result_.failure = Evolve(input);
    // Who was answered shows that the model answers again, whatever came of it.
    if (result_.spent.answered > 0 && !options_.dry_run) {
      // It ends by itself in a day: what was done is not lost for it.
      result_.rest_ended = status::EndRunsRest(*world_.db).value_or(false);
    }
    return std::move(result_);
  }

  // What a person decided. Again is fine: an approval whose deploy did not happen
  // is made up for.
  StatusOr<ImproveResult> Approve(std::string_view proposal_id) {
    ST_ASSIGN_OR_RETURN(target_, FindTarget(*world_.skills, options_.skill, options_.skill_path));
    ST_RETURN_IF_ERROR(Lock());
    ST_ASSIGN_OR_RETURN(const store::StoredProposal proposal,
                        store::LoadProposal(*world_.db, proposal_id));
    const bool again = proposal.state == store::ProposalState::kApproved;
    if (!again && proposal.state != store::ProposalState::kValidated) {
      return WithSuggestion(
          Fail(kConflicted, "approving proposal {}: it is {}", proposal.proposal_id,
               store::Word(proposal.state)),
          "only one that waits for a review can be approved",
          base::JoinCommand({"selftune", "proposals", "show", proposal.proposal_id}));
    }
    ST_ASSIGN_OR_RETURN(target_, FindTarget(*world_.skills, proposal.skill, proposal.location));
    result_.skill = proposal.skill;
    Take(proposal);
    ST_ASSIGN_OR_RETURN(const bool allowed, PolicyAllows());
    if (!allowed) return std::move(result_);
    if (target_.files.empty() ||
        base::FromHex(target_.files.front().sha256) != proposal.original_sha256) {
      ST_RETURN_IF_ERROR(Outdated(proposal, "file_changed",
                                  proposal.location + " is not the text it was made from"));
      return std::move(result_);
    }
    if (IsOld(proposal)) {
      ST_RETURN_IF_ERROR(Outdated(proposal, "too_old",
                                  "it was tested more than a week ago and has to be made again"));
      return std::move(result_);
    }
    result_.sha256_before = target_.files.front().sha256;
    for (const TargetFile& file : target_.files) ST_RETURN_IF_ERROR(Git(file).status());
    if (!again) {
      ST_RETURN_IF_ERROR(
          Step(proposal.proposal_id, store::ProposalState::kApproved, "approved by a person"));
    }
    ST_RETURN_IF_ERROR(Deploy());
    return std::move(result_);
  }

 private:
  Status Outdated(const store::StoredProposal& proposal, std::string_view code,
                  std::string reason) {
    Conclude(std::string(code), std::move(reason));
    return Step(proposal.proposal_id, store::ProposalState::kSuperseded, result_.reason);
  }

  void Conclude(std::string code, std::string reason) {
    result_.reason_code = std::move(code);
    result_.reason = std::move(reason);
  }

  [[nodiscard]] PolicyDecision Policy(bool canary) const {
    return DecidePolicy({.target = &target_,
                         .config = world_.config,
                         .stored = policy_,
                         .review_required = options_.review_required,
                         .by_itself = options_.by_itself,
                         .canary = canary});
  }

  // Policy and the state of the files, before anything is spent.
  StatusOr<bool> MayBegin() {
    ST_ASSIGN_OR_RETURN(const bool allowed, PolicyAllows());
    if (!allowed) return false;
    for (const TargetFile& file : target_.files) {
      ST_RETURN_IF_ERROR(Git(file).status());
      const auto edited = WithDescription(file, kProbe);
      if (edited.ok()) continue;
      return WithSuggestion(Fail(CodeOf(edited.status()), "{} cannot be edited: {}", file.path,
                                 Message(edited.status())),
                            "change its frontmatter first",
                            base::JoinCommand({"selftune", "skills", "parse", file.path}));
    }
    return true;
  }

  // Whether anything may be written at all, now; a review may still be needed.
  StatusOr<bool> PolicyAllows() {
    ST_ASSIGN_OR_RETURN(policy_, store::ReadSkillPolicy(*world_.db, target_.skill));
    const PolicyDecision policy = Policy(false);
    if (policy.permission == Permission::kNever) {
      Conclude(std::string(policy.reason_code), policy.reason);
      result_.command = target_.managed_command;
      return false;
    }
    const UtcMillis now = world_.clock->Now();
    if (policy_.frozen_until.has_value() && *policy_.frozen_until > now) {
      Conclude("cooldown",
               "frozen after repeated rollbacks until " + FormatRfc3339(*policy_.frozen_until));
      return false;
    }
    if (policy_.cooldown_until.has_value() && *policy_.cooldown_until > now) {
      Conclude("cooldown", "changed lately; the next change is possible from " +
                               FormatRfc3339(*policy_.cooldown_until));
      return false;
    }
    return true;
  }

  // What version control says, if it lets the file be changed.
  StatusOr<deploy::GitState> Git(const TargetFile& file) const {
    ST_ASSIGN_OR_RETURN(deploy::GitState git, deploy::ReadGitState(file.path, *world_.env));
    ST_RETURN_IF_ERROR(deploy::CheckGit(git, file.path, file.bytes, options_.allow_dirty));
    return git;
  }

  [[nodiscard]] bool Writes() const { return !options_.dry_run && !options_.plan_only; }

  [[nodiscard]] bool IsOld(const store::StoredProposal& proposal) const {
    return world_.clock->Now().value - proposal.created.value > kProposalDays * kDayMs;
  }

  // A proposal for this very text that still waits: it is not made again. One
  // that was approved, but whose deploy did not happen, is deployed.
  StatusOr<bool> HasProposal() {
    ST_ASSIGN_OR_RETURN(const std::vector<store::StoredProposal> open,
                        store::OpenProposals(*world_.db, target_.skill));
    for (const store::StoredProposal& proposal : open) {
      if (base::FromHex(result_.sha256_before) != proposal.original_sha256) continue;
      if (IsOld(proposal)) {
        if (Writes()) {
          ST_RETURN_IF_ERROR(Step(proposal.proposal_id, store::ProposalState::kSuperseded,
                                  "it waited for more than a week"));
        }
        continue;
      }
      Take(proposal);
      const bool approved = proposal.state == store::ProposalState::kApproved;
      const Permission may = Policy(proposal.tier == "canary").permission;
      if (approved && may == Permission::kDeploy && Writes()) {
        ST_RETURN_IF_ERROR(Deploy());
        return true;
      }
      Conclude("review_pending", fmt::format("proposal {} {}", proposal.proposal_id,
                                             approved ? "was approved and is not deployed yet"
                                                      : "waits for a review"));
      return true;
    }
    return false;
  }

  // The result is about this proposal from now on.
  void Take(const store::StoredProposal& proposal) {
    result_.proposal_id = proposal.proposal_id;
    result_.before = proposal.original;
    result_.after = proposal.proposed;
    result_.rationale = proposal.rationale;
    result_.evolution.reason_code = proposal.tier == "canary" ? "canary" : "promoted";
    result_.evolution.reason = fmt::format("proposal {}, tested before", proposal.proposal_id);
  }

  Status Step(std::string_view proposal_id, store::ProposalState state, std::string_view details) {
    ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(*world_.db));
    ST_RETURN_IF_ERROR(store::AddStep(
        *world_.db, proposal_id, {.action = state, .details = details, .run_id = options_.run_id},
        world_.clock->Now()));
    return txn.Commit();
  }

  // From here on nobody else changes it: the policy and the files are read after.
  Status TakeLock() {
    if (!Writes() || world_.backend == nullptr) return absl::OkStatus();
    return Lock();
  }

  Status Lock() {
    ST_ASSIGN_OR_RETURN(base::LockFile lock,
                        LockSkill(world_.state_dir, target_.skill, world_.clock->Now()));
    lock_.emplace(std::move(lock));
    return evolution::EndUnfinished(*world_.db, target_.skill, options_.run_id,
                                    world_.clock->Now());
  }

  // Was a file edited since the skills were looked up? Its text decides.
  [[nodiscard]] bool Edited() const {
    return std::any_of(target_.files.begin(), target_.files.end(), [&](const TargetFile& file) {
      return skillfs::ParseFrontmatter(file.bytes).description.value_or("") != target_.description;
    });
  }

  [[nodiscard]] llm::CallerOptions CallerOptionsOf() const {
    llm::CallerOptions options;
    options.run_id = options_.run_id;
    options.skill = target_.skill;
    options.limits = options_.models.limits;
    options.seed = options_.models.seed;
    options.cancel = world_.cancel;
    options.stop_at = options_.models.stop_at.value_or(
        UtcMillis{world_.clock->Now().value + kSkillMinutes * kMinuteMs});
    options.home = world_.env->GetOr("HOME", "");
    options.redact_emails = options_.models.redact_emails;
    return options;
  }

  // Before anything is spent: what the test can find out, and what it may cost.
  void TellPlan() const {
    const evolution::EvolvePlan& plan = result_.evolution.plan;
    if (!world_.progress || !plan.reason_code.empty()) return;
    world_.progress(
        "plan", 0, 0,
        fmt::format("{}: {} held-out prompts, smallest gain found with power 0.8: {:.0f} "
                    "%; look {} of 3; at most {} calls",
                    target_.skill, plan.holdout, plan.minimum_gain.value_or(1) * kPercent,
                    plan.look, plan.estimated_calls));
  }

  void TakeBest() {
    if (!result_.evolution.best.has_value()) return;
    const evolution::Candidate& best = result_.evolution.candidates[*result_.evolution.best];
    result_.after = best.description;
    result_.rationale = best.rationale;
    result_.quality_after = evolution::ScoreDescription(best.description, target_.skill).composite;
  }

  Status Evolve(const evolution::EvolveInput& input) {
    TellPlan();
    llm::Caller caller(*world_.backend, *world_.db, *world_.clock, CallerOptionsOf());
    evolution::AuditTrail trail(*world_.db, input,
                                {.run_id = options_.run_id,
                                 .location = target_.path,
                                 .file_sha256 = base::FromHex(result_.sha256_before).value_or(""),
                                 .agent = std::string(caller.agent())},
                                *world_.clock);
    result_.evolution = evolution::Evolve(
        caller, input, options_.dry_run ? evolution::ChargeLook() : trail.Charge());
    result_.spent = caller.totals();
    Conclude(std::string(result_.evolution.reason_code), result_.evolution.reason);
    TakeBest();
    if (options_.dry_run) return result_.evolution.failure;
    // What was found is written down even if it ended with an error.
    const Status written = trail.Finish(result_.evolution);
    result_.proposal_id = trail.best_proposal_id();
    ST_RETURN_IF_ERROR(written);
    ST_RETURN_IF_ERROR(result_.evolution.failure);
    return Validated() ? DeployIfAllowed() : absl::OkStatus();
  }

  [[nodiscard]] bool Validated() const {
    return result_.evolution.reason_code == "promoted" || result_.evolution.reason_code == "canary";
  }

  Status DeployIfAllowed() {
    const std::vector<std::string>& review =
        result_.evolution.candidates[*result_.evolution.best].review;
    if (!review.empty()) {
      Conclude("review_required", base::Join(review, "; ") + "; " + result_.evolution.reason);
      return absl::OkStatus();
    }
    const PolicyDecision policy = Policy(result_.evolution.reason_code == "canary");
    if (policy.permission != Permission::kDeploy) {
      Conclude(std::string(policy.reason_code), policy.reason + "; " + result_.evolution.reason);
      return absl::OkStatus();
    }
    ST_RETURN_IF_ERROR(Step(result_.proposal_id, store::ProposalState::kApproved, "by policy"));
    return Deploy();
  }

  Status Deploy() {
    deploy::DeployPlan plan{
        .skill = target_.skill, .proposal_id = result_.proposal_id, .run_id = options_.run_id};
    for (const TargetFile& file : target_.files) {
      // Minutes may have passed since the first look.
      ST_ASSIGN_OR_RETURN(const deploy::GitState git, Git(file));
      ST_ASSIGN_OR_RETURN(std::string bytes, WithDescription(file, result_.after));
      plan.targets.push_back({.path = file.path,
                              .platform = file.platform,
                              .old_sha256 = file.sha256,
                              .new_bytes = std::move(bytes),
                              .git_head = git.head,
                              .git_blob = git.blob});
    }
    result_.sha256_after = base::Sha256Hex(plan.targets.front().new_bytes);
    auto done = deploy::Execute(
        {.db = world_.db, .state_dir = world_.state_dir, .clock = world_.clock}, plan);
    if (!done.ok()) {
      if (CodeOf(done.status()).name != kFileChanged.name) return done.status();
      Conclude("file_changed", std::string(Message(done.status())));
      // The text it was made from is gone: it can never be deployed.
      return Step(result_.proposal_id, store::ProposalState::kSuperseded, result_.reason);
    }
    result_.deployed = true;
    result_.deploy_id = done->deploy_id;
    result_.paths = std::move(done->paths);
    result_.conflict_files = std::move(done->conflict_files);
    Conclude("deployed", done->left_over.empty()
                             ? result_.evolution.reason
                             : result_.evolution.reason + "; left over: " + done->left_over);
    return AfterDeploy();
  }

  // The change is watched from now on. Should this process die before: a watch
  // that is missing is begun by the next run (watching.h).
  Status AfterDeploy() {
    const bool canary = result_.evolution.reason_code == "canary";
    return monitoring::StartWatch(
        *world_.db,
        {.deploy_id = result_.deploy_id,
         .skill = target_.skill,
         .content_sha256 = base::FromHex(result_.sha256_after).value_or(""),
         .description_before = target_.description,
         .alpha = canary ? stats::kCanaryAlpha : stats::kWatchAlpha},
        world_.clock->Now());
  }

  const ImproveWorld& world_;
  const ImproveOptions& options_;
  SkillTarget target_;
  store::SkillPolicy policy_;
  std::optional<base::LockFile> lock_;  // of this skill, while it is worked on
  ImproveResult result_;
};

}  // namespace

StatusOr<ImproveResult> ImproveSkill(const ImproveWorld& world, const ImproveOptions& options) {
  return Improver(world, options).Run();
}

StatusOr<ImproveResult> DeployProposal(const ImproveWorld& world, std::string_view proposal_id,
                                       bool allow_dirty, std::string_view run_id) {
  ST_ASSIGN_OR_RETURN(const store::StoredProposal proposal,
                      store::LoadProposal(*world.db, proposal_id));
  ImproveOptions options;
  options.skill = proposal.skill;
  options.skill_path = proposal.location;
  options.run_id = std::string(run_id);
  options.allow_dirty = allow_dirty;
  return Improver(world, options).Approve(proposal_id);
}

}  // namespace selftune::orchestrate
