#include "deploy/rollback.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "deploy/journal.h"
#include "skillfs/description_edit.h"
#include "skillfs/frontmatter.h"
#include "store/deploy_rows.h"

namespace selftune::deploy {
namespace {

constexpr uint64_t kMaxSkillBytes = 8 << 20;

// How one file can be taken back.
struct Way {
  RollbackState state = RollbackState::kRolledBack;
  PlannedTarget target;
  std::string detail;
};

std::string DirectoryName(const std::string& path) {
  return std::string(base::BaseName(base::DirName(path)));
}

StatusOr<Way> FindWay(const Journal& journal, const Intent& intent, size_t index) {
  const IntentTarget& target = intent.targets[index];
  ST_ASSIGN_OR_RETURN(const std::string old_bytes, journal.OldBytes(index));
  ST_ASSIGN_OR_RETURN(const std::string new_bytes, journal.NewBytes(index));
  ST_ASSIGN_OR_RETURN(const std::string now, base::ReadFile(target.path, kMaxSkillBytes));
  Way way;
  way.target.path = target.path;
  way.target.old_sha256 = base::Sha256Hex(now);
  if (way.target.old_sha256 == target.new_sha256) {
    way.target.new_bytes = old_bytes;
    return way;
  }
  const auto text_now = skillfs::ParseFrontmatter(now).description;
  const auto text_deployed = skillfs::ParseFrontmatter(new_bytes).description;
  const auto text_before = skillfs::ParseFrontmatter(old_bytes).description;
  if (text_now.has_value() && text_now == text_deployed && text_before.has_value()) {
    auto edited = skillfs::ReplaceDescription(now, *text_before, DirectoryName(target.path));
    if (edited.ok()) {
      way.state = RollbackState::kPartial;
      way.target.new_bytes = std::move(edited->bytes);
      way.detail = fmt::format("{} was edited since; only its description went back", target.path);
      return way;
    }
  }
  way.state = RollbackState::kConflicted;
  way.detail = fmt::format(
      "{} holds another description now; it was left as it is. The text before "
      "the deploy is in {}",
      target.path, base::JoinPath(journal.dir(), fmt::format("t{}.old", index)));
  return way;
}

}  // namespace

std::string_view Word(RollbackState state) {
  switch (state) {
    case RollbackState::kRolledBack:
      return "rolled_back";
    case RollbackState::kPartial:
      return "partial";
    case RollbackState::kConflicted:
      return "conflicted";
  }
  return "conflicted";
}

StatusOr<RollbackOutcome> Rollback(const DeployWorld& world, std::string_view deploy_id,
                                   std::string_view reason, std::string_view run_id) {
  ST_ASSIGN_OR_RETURN(const store::DeployRow row, store::ReadDeploy(*world.db, deploy_id));
  if (row.kind != "deploy" || row.state != "deployed") {
    return WithSuggestion(Fail(kConflicted, "rolling back {}: it is a {} in state {}", deploy_id,
                               row.kind, row.state),
                          "only a finished deploy can be taken back, once",
                          fmt::format("selftune skills show {}", row.skill));
  }
  const Journal journal(world.state_dir, deploy_id);
  ST_ASSIGN_OR_RETURN(const Intent intent, journal.ReadIntent());
  DeployPlan plan{.skill = intent.skill,
                  .proposal_id = intent.proposal_id,
                  .kind = Kind::kRollback,
                  .undoes = std::string(deploy_id),
                  .reason = std::string(reason),
                  .run_id = std::string(run_id)};
  RollbackOutcome out;
  out.undone = std::string(deploy_id);
  for (size_t i = 0; i < intent.targets.size(); ++i) {
    ST_ASSIGN_OR_RETURN(Way way, FindWay(journal, intent, i));
    if (way.state != RollbackState::kRolledBack) {
      if (!out.detail.empty()) out.detail.append("; ");
      out.detail.append(way.detail);
      out.state = std::max(out.state, way.state);
    }
    if (way.state != RollbackState::kConflicted) plan.targets.push_back(std::move(way.target));
  }
  // One replica that cannot go back keeps all of them: they deploy together.
  if (out.state == RollbackState::kConflicted) return out;
  ST_ASSIGN_OR_RETURN(DeployOutcome done, Execute(world, plan));
  out.deploy_id = std::move(done.deploy_id);
  out.paths = std::move(done.paths);
  for (const std::string& kept : done.conflict_files) {
    if (!out.detail.empty()) out.detail.append("; ");
    out.detail.append(fmt::format("a late edit is kept in {}", kept));
  }
  if (!done.left_over.empty()) {
    if (!out.detail.empty()) out.detail.append("; ");
    out.detail.append(done.left_over);
  }
  return out;
}

}  // namespace selftune::deploy
