#include "deploy/recover.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/lock_file.h"
#include "base/status_macros.h"
#include "deploy/deploy_log.h"
#include "deploy/journal.h"
#include "deploy/swap.h"
#include "store/deploy_rows.h"

namespace selftune::deploy {
namespace {

constexpr uint64_t kMaxSkillBytes = 8 << 20;

class Recovery {
 public:
  Recovery(const DeployWorld& world, const Journal& journal, const Intent& intent)
      : world_(world), journal_(journal), intent_(intent) {}

  StatusOr<Ending> Run() {
    ST_RETURN_IF_ERROR(LoadBytes());
    ST_ASSIGN_OR_RETURN(const Ending ending, Decide());
    const std::string_view reason = "recovered after an interruption";
    const DeployLog log(world_, "");
    // The journal is closed last: while it is open this is done again.
    ST_RETURN_IF_ERROR(log.End(intent_, ending, reason));
    ST_RETURN_IF_ERROR(journal_.End(ending, reason));
    return ending;
  }

 private:
  Status LoadBytes() {
    for (size_t i = 0; i < intent_.targets.size(); ++i) {
      const IntentTarget& target = intent_.targets[i];
      ST_ASSIGN_OR_RETURN(std::string old_bytes,
                          Bytes(target, target.old_sha256, journal_.OldBytes(intent_, i)));
      ST_ASSIGN_OR_RETURN(std::string new_bytes,
                          Bytes(target, target.new_sha256, journal_.NewBytes(intent_, i)));
      old_bytes_.push_back(std::move(old_bytes));
      new_bytes_.push_back(std::move(new_bytes));
    }
    return absl::OkStatus();
  }

  // The bytes with this hash: from the journal or, where that is damaged, from
  // the target or what lies beside it.
  StatusOr<std::string> Bytes(const IntentTarget& target, const std::string& sha256,
                              StatusOr<std::string> journalled) const {
    if (journalled.ok()) return journalled;
    for (const std::string& path : {target.path, TempPath(target.path, intent_.deploy_id)}) {
      auto bytes = base::ReadFile(path, kMaxSkillBytes);
      if (bytes.ok() && base::Sha256Hex(*bytes) == sha256) return bytes;
    }
    return journalled;
  }

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
      ST_RETURN_IF_ERROR(DropTemp(target, id));
      ST_ASSIGN_OR_RETURN(const Found found, Inspect(target.path, target));
      if (found != Found::kOld) continue;
      ST_RETURN_IF_ERROR(PrepareTarget(target, id, new_bytes_[i]));
      ST_RETURN_IF_ERROR(SwapTarget(target, id, old_bytes_[i]));
      ST_RETURN_IF_ERROR(DropTemp(target, id));
    }
    return Ending::kDeployed;
  }

  StatusOr<Ending> TakeBack() {
    Ending ending = Ending::kAborted;
    for (size_t i = 0; i < intent_.targets.size(); ++i) {
      ST_ASSIGN_OR_RETURN(const Ending one,
                          TakeBackTarget(intent_.targets[i], intent_.deploy_id, old_bytes_[i]));
      ending = std::max(ending, one);
    }
    return ending;
  }

  const DeployWorld& world_;
  const Journal& journal_;
  const Intent& intent_;
  std::vector<std::string> old_bytes_, new_bytes_;  // of each target
};

// Ends one open journal; nullopt when it was never begun.
StatusOr<std::optional<Ending>> EndOne(const DeployWorld& world, const Journal& journal) {
  const auto intent = journal.ReadIntent();
  if (!intent.ok()) {
    if (CodeOf(intent.status()).name != kFileNotFound.name) return intent.status();
    ST_RETURN_IF_ERROR(journal.Discard());
    return std::optional<Ending>();
  }
  ST_ASSIGN_OR_RETURN(const Ending ending, Recovery(world, journal, *intent).Run());
  return std::optional<Ending>(ending);
}

}  // namespace

StatusOr<RecoverReport> Recover(const DeployWorld& world) {
  RecoverReport report;
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> ids, ListJournals(world.state_dir));
  if (ids.empty()) return report;
  const store::Db::NoCancel whole(*world.db);
  std::optional<base::LockFile> lock;
  for (const std::string& id : ids) {
    const Journal journal(world.state_dir, id);
    const auto ending = journal.ReadEnding();
    if (!ending.ok()) {
      report.damaged.push_back({id, ending.status()});
      continue;
    }
    if (ending->has_value()) continue;
    if (!lock.has_value()) {
      ST_ASSIGN_OR_RETURN(base::LockFile taken, LockDeploys(world.state_dir));
      lock.emplace(std::move(taken));
    }
    const auto ended = EndOne(world, journal);
    if (!ended.ok()) {
      report.damaged.push_back({id, ended.status()});
      continue;
    }
    const Ending decided = ended->value_or(Ending::kAborted);
    (decided == Ending::kDeployed  ? report.finished
     : decided == Ending::kAborted ? report.aborted
                                   : report.conflicted)
        .push_back(id);
  }
  return report;
}

StatusOr<std::vector<DamagedJournal>> OpenJournals(const std::string& state_dir) {
  std::vector<DamagedJournal> out;
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> ids, ListJournals(state_dir));
  for (const std::string& id : ids) {
    const Journal journal(state_dir, id);
    const auto ending = journal.ReadEnding();
    if (ending.ok() && ending->has_value()) continue;
    Status why = ending.ok() ? journal.ReadIntent().status() : ending.status();
    // Never begun: nothing is wrong with it.
    if (CodeOf(why).name == kFileNotFound.name) why = absl::OkStatus();
    out.push_back({id, std::move(why)});
  }
  return out;
}

}  // namespace selftune::deploy
