#include "deploy/recover.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/lock_file.h"
#include "base/status_macros.h"
#include "deploy/deploy_log.h"
#include "deploy/journal.h"
#include "deploy/swap.h"
#include "store/deploy_rows.h"

namespace selftune::deploy {
namespace {

class Recovery {
 public:
  Recovery(const DeployWorld& world, const Journal& journal, const Intent& intent)
      : world_(world), journal_(journal), intent_(intent) {}

  StatusOr<Ending> Run() {
    ST_ASSIGN_OR_RETURN(const Ending ending, Decide());
    const std::string_view reason = "recovered after an interruption";
    const DeployLog log(world_, "");
    // The journal is closed last: while it is open this is done again.
    ST_RETURN_IF_ERROR(log.End(intent_, ending, reason));
    ST_RETURN_IF_ERROR(journal_.End(ending, reason));
    return ending;
  }

 private:
  StatusOr<Ending> Decide() {
    size_t holds_new = 0;
    bool other = false;
    for (const IntentTarget& target : intent_.targets) {
      ST_ASSIGN_OR_RETURN(const Found found, Look(target));
      holds_new += found == Found::kNew ? 1 : 0;
      other |= found == Found::kOther || found == Found::kMissing;
    }
    if (holds_new == intent_.targets.size()) return Forward();
    ST_ASSIGN_OR_RETURN(const bool committed, IsCommitted());
    // Old bytes everywhere: a person put them back. Only a rollback goes on.
    if (committed && (holds_new > 0 || other || intent_.kind == Kind::kRollback)) return Forward();
    ST_ASSIGN_OR_RETURN(const Ending ending, TakeBack());
    return other ? Ending::kConflicted : ending;
  }

  // Whether the store says that the deploy was made. Files without the new
  // bytes were then edited since, or their disk reported a failure for a commit
  // that did reach it, and another one while it was taken back.
  StatusOr<bool> IsCommitted() {
    const auto row = store::ReadDeploy(*world_.db, intent_.deploy_id);
    if (!row.ok() && CodeOf(row.status()).name != kNotFound.name) return row.status();
    return row.ok() && row->state == Word(Ending::kDeployed);
  }

  // What the path holds; a missing file whose old bytes lie beside it (a file
  // system without exchange) comes back first.
  StatusOr<Found> Look(const IntentTarget& target) {
    ST_ASSIGN_OR_RETURN(const Found found, Inspect(target.path, target));
    if (found != Found::kMissing) return found;
    const std::string temp = TempPath(target.path, intent_.deploy_id);
    ST_ASSIGN_OR_RETURN(const Found beside, Inspect(temp, target));
    if (beside != Found::kOld) return found;
    ST_RETURN_IF_ERROR(base::Rename(temp, target.path));
    ST_RETURN_IF_ERROR(base::SyncDir(std::string(base::DirName(target.path))));
    return Found::kOld;
  }

  // Files with the old bytes get the new ones, those of others stay, and nothing
  // of ours is left beside them.
  StatusOr<Ending> Forward() {
    const std::string& id = intent_.deploy_id;
    for (size_t i = 0; i < intent_.targets.size(); ++i) {
      const IntentTarget& target = intent_.targets[i];
      ST_ASSIGN_OR_RETURN(const std::string old_bytes, journal_.OldBytes(i));
      ST_ASSIGN_OR_RETURN(const std::string new_bytes, journal_.NewBytes(i));
      ST_RETURN_IF_ERROR(DropTemp(target, id, old_bytes, new_bytes));
      ST_ASSIGN_OR_RETURN(const Found found, Inspect(target.path, target));
      if (found != Found::kOld) continue;
      ST_RETURN_IF_ERROR(PrepareTarget(target, id, new_bytes));
      ST_RETURN_IF_ERROR(SwapTarget(target, id, old_bytes));
      ST_RETURN_IF_ERROR(DropTemp(target, id, old_bytes, new_bytes));
    }
    return Ending::kDeployed;
  }

  StatusOr<Ending> TakeBack() {
    Ending ending = Ending::kAborted;
    for (size_t i = 0; i < intent_.targets.size(); ++i) {
      ST_ASSIGN_OR_RETURN(const std::string old_bytes, journal_.OldBytes(i));
      ST_ASSIGN_OR_RETURN(const std::string new_bytes, journal_.NewBytes(i));
      ST_ASSIGN_OR_RETURN(const Ending one, TakeBackTarget(intent_.targets[i], intent_.deploy_id,
                                                           old_bytes, new_bytes));
      ending = std::max(ending, one);
    }
    return ending;
  }

  const DeployWorld& world_;
  const Journal& journal_;
  const Intent& intent_;
};

}  // namespace

StatusOr<RecoverReport> Recover(const DeployWorld& world) {
  RecoverReport report;
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> ids, ListJournals(world.state_dir));
  if (ids.empty()) return report;
  const store::Db::NoCancel whole(*world.db);
  std::optional<base::LockFile> lock;
  for (const std::string& id : ids) {
    const Journal journal(world.state_dir, id);
    ST_ASSIGN_OR_RETURN(const std::optional<Ending> ending, journal.ReadEnding());
    if (ending.has_value()) continue;
    if (!lock.has_value()) {
      ST_ASSIGN_OR_RETURN(base::LockFile taken, LockDeploys(world.state_dir));
      lock.emplace(std::move(taken));
    }
    const auto intent = journal.ReadIntent();
    if (!intent.ok()) {
      // Never begun: no file was touched.
      if (CodeOf(intent.status()).name != kFileNotFound.name) return intent.status();
      ST_RETURN_IF_ERROR(journal.Discard());
      report.aborted.push_back(id);
      continue;
    }
    ST_ASSIGN_OR_RETURN(const Ending decided, Recovery(world, journal, *intent).Run());
    (decided == Ending::kDeployed  ? report.finished
     : decided == Ending::kAborted ? report.aborted
                                   : report.conflicted)
        .push_back(id);
  }
  return report;
}

}  // namespace selftune::deploy
