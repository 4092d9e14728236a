#include "deploy/retention.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/lock_file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/time.h"
#include "deploy/deploy_log.h"
#include "deploy/journal.h"
#include "store/deploy_rows.h"

namespace selftune::deploy {
namespace {

constexpr size_t kKeptOfASkill = 20;
constexpr int64_t kKeptMs = 90 * kDayMs;

// Deployed or aborted, and nothing can still be asked of its bytes.
bool IsDone(store::Db& db, const Journal& journal, const std::string& id) {
  const auto ending = journal.ReadEnding();
  if (!ending.ok() || !ending->has_value() || **ending == Ending::kConflicted) return false;
  const auto row = store::ReadDeploy(db, id);
  if (!row.ok() || row->state == "deploying") return false;
  const auto current = store::CurrentDeploy(db, row->skill);
  return current.ok() && !(current->has_value() && (*current)->deploy_id == id);
}

}  // namespace

StatusOr<std::vector<std::string>> DropOldJournals(const DeployWorld& world) {
  std::vector<std::string> dropped;
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> ids, ListJournals(world.state_dir));
  if (ids.size() <= kKeptOfASkill) return dropped;
  const auto lock = LockDeploys(world.state_dir);
  if (!lock.ok()) return dropped;
  std::map<std::string, size_t> newer;  // journals of the skill seen so far
  for (auto id = ids.rbegin(); id != ids.rend(); ++id) {
    const Journal journal(world.state_dir, *id);
    const auto intent = journal.ReadIntent();
    if (!intent.ok()) continue;
    if (newer[base::AsciiLower(intent->skill)]++ < kKeptOfASkill) continue;
    if (intent->created.value >= world.clock->Now().value - kKeptMs) continue;
    if (!IsDone(*world.db, journal, *id)) continue;
    ST_RETURN_IF_ERROR(base::RemoveTree(journal.dir()));
    dropped.push_back(*id);
  }
  return dropped;
}

}  // namespace selftune::deploy
