#include "deploy/deployer.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/lock_file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "deploy/deploy_log.h"
#include "deploy/swap.h"

namespace selftune::deploy {
namespace {

constexpr uint64_t kMaxSkillBytes = 8 << 20;

// Everything one deploy carries from the first look to the last.
struct Work {
  Intent intent;
  std::vector<std::string> old_bytes, new_bytes;
  std::vector<std::string> platforms;
};

Status CheckTarget(const PlannedTarget& planned, const base::FileInfo& info) {
  if (!info.is_file()) return Fail(kConflicted, "deploying {}: not a regular file", planned.path);
  if (info.links > 1) {
    return WithSuggestion(
        Fail(kConflicted, "deploying {}: {} hard links share this file", planned.path, info.links),
        "replace the hard links by copies or symbolic links", "");
  }
  return absl::OkStatus();
}

Status LoadTarget(const PlannedTarget& planned, Work& work) {
  ST_ASSIGN_OR_RETURN(const std::string real, base::RealPath(planned.path));
  for (const IntentTarget& known : work.intent.targets) {
    if (known.path == real) return absl::OkStatus();  // two links to one file
  }
  ST_ASSIGN_OR_RETURN(const base::FileInfo info, base::Stat(real));
  ST_RETURN_IF_ERROR(CheckTarget(planned, info));
  ST_ASSIGN_OR_RETURN(std::string bytes, base::ReadFile(real, kMaxSkillBytes));
  const std::string hash = base::Sha256Hex(bytes);
  if (hash != planned.old_sha256) {
    return WithSuggestion(
        Fail(kFileChanged, "deploying {}: the file was edited since the change was made", real),
        "run evolve again on the new text", "selftune orchestrate");
  }
  work.intent.targets.push_back({.path = real,
                                 .dev = info.dev,
                                 .inode = info.inode,
                                 .mode = info.mode & 07777,
                                 .old_sha256 = hash,
                                 .new_sha256 = base::Sha256Hex(planned.new_bytes),
                                 .old_size = bytes.size(),
                                 .new_size = planned.new_bytes.size(),
                                 .git_head = planned.git_head,
                                 .git_blob = planned.git_blob});
  work.old_bytes.push_back(std::move(bytes));
  work.new_bytes.push_back(planned.new_bytes);
  work.platforms.push_back(planned.platform);
  return absl::OkStatus();
}

StatusOr<Work> Prepare(const DeployWorld& world, const DeployPlan& plan) {
  Work work;
  work.intent.deploy_id = base::MakeUlid(world.clock->Now());
  work.intent.proposal_id = plan.proposal_id;
  work.intent.skill = plan.skill;
  work.intent.kind = plan.kind;
  work.intent.undoes = plan.undoes;
  work.intent.created = world.clock->Now();
  for (const PlannedTarget& target : plan.targets) {
    ST_RETURN_IF_ERROR(LoadTarget(target, work));
  }
  if (work.intent.targets.empty()) {
    return Fail(kInvalidRequest, "deploying {}: no file to change", plan.skill);
  }
  return work;
}

// Takes back what was swapped so far, also when the swap itself failed after
// it had happened, and removes the temporary files.
StatusOr<Ending> TakeBack(const Work& work) {
  Ending ending = Ending::kAborted;
  Status first_failure;
  const std::string& id = work.intent.deploy_id;
  for (size_t i = 0; i < work.intent.targets.size(); ++i) {
    const StatusOr<Ending> one = TakeBackTarget(work.intent.targets[i], id, work.old_bytes[i]);
    if (one.ok()) {
      ending = std::max(ending, *one);
    } else if (first_failure.ok()) {
      first_failure = one.status();  // the others go back all the same
    }
  }
  if (!first_failure.ok()) return first_failure;
  return ending;
}

Status SwapAll(const Work& work) {
  const std::string& id = work.intent.deploy_id;
  for (size_t i = 0; i < work.intent.targets.size(); ++i) {
    ST_RETURN_IF_ERROR(PrepareTarget(work.intent.targets[i], id, work.new_bytes[i]));
  }
  for (size_t i = 0; i < work.intent.targets.size(); ++i) {
    ST_RETURN_IF_ERROR(SwapTarget(work.intent.targets[i], id, work.old_bytes[i]));
  }
  return absl::OkStatus();
}

// Ends a deploy that did not go through and returns why. The journal is closed
// last, and only after everything else: while it is open a recovery repeats it.
Status GiveUp(const Journal& journal, const DeployLog& log, const Work& work, Status why) {
  const StatusOr<Ending> ending = TakeBack(work);
  Status ended = ending.status();
  if (ended.ok()) ended = log.End(work.intent, *ending, Message(why));
  if (ended.ok()) ended = journal.End(*ending, Message(why));
  if (ended.ok()) return why;
  return WithSuggestion(Fail(CodeOf(why), "{}; taking it back: {}", Message(why), Message(ended)),
                        "the next run takes back what is left of it", "selftune orchestrate");
}

// Removes what the exchange displaced and closes the journal. The deploy is
// made by now: what fails here a recovery repeats.
Status CleanUp(const DeployWorld& world, const Journal& journal, const Work& work,
               std::string_view reason, DeployOutcome& outcome) {
  for (const IntentTarget& target : work.intent.targets) {
    ST_ASSIGN_OR_RETURN(std::string conflict,
                        FinishTarget(target, work.intent.deploy_id, world.settle_ms));
    if (!conflict.empty()) outcome.conflict_files.push_back(std::move(conflict));
  }
  return journal.End(Ending::kDeployed, reason);
}

}  // namespace

StatusOr<DeployOutcome> Execute(const DeployWorld& world, const DeployPlan& plan) {
  ST_ASSIGN_OR_RETURN(const base::LockFile lock, LockDeploys(world.state_dir));
  ST_ASSIGN_OR_RETURN(const Work work, Prepare(world, plan));
  const Journal journal(world.state_dir, work.intent.deploy_id);
  const DeployLog log(world, plan.run_id);
  const store::Db::NoCancel whole(*world.db);
  ST_RETURN_IF_ERROR(journal.Begin(work.intent, work.old_bytes, work.new_bytes));
  // No record, no change; no record of the end, the change is taken back.
  Status made = log.Begin(work.intent, work.platforms);
  if (made.ok()) made = SwapAll(work);
  if (made.ok()) made = log.End(work.intent, Ending::kDeployed, plan.reason);
  if (!made.ok()) return GiveUp(journal, log, work, std::move(made));

  DeployOutcome outcome{.deploy_id = work.intent.deploy_id};
  for (const IntentTarget& target : work.intent.targets) outcome.paths.push_back(target.path);
  const Status clean = CleanUp(world, journal, work, plan.reason, outcome);
  if (!clean.ok()) outcome.left_over = std::string(Message(clean));
  return outcome;
}

}  // namespace selftune::deploy
