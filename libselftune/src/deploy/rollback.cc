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
#include "base/strings.h"
#include "deploy/journal.h"
#include "skillfs/description_edit.h"
#include "skillfs/frontmatter.h"
#include "store/deploy_rows.h"

namespace selftune::deploy {
namespace {

constexpr uint64_t kMaxSkillBytes = 8 << 20;

// How one file can be taken back.
struct Way {
  RollbackFile file;
  std::string new_bytes;
  std::string detail;
};

std::string DirectoryName(const std::string& path) {
  return std::string(base::BaseName(base::DirName(path)));
}

Way Refuse(Way way, std::string detail) {
  way.file.state = RollbackState::kConflicted;
  way.file.sha256_after = way.file.sha256_before;
  way.detail = std::move(detail);
  return way;
}

Way Replace(Way way, RollbackState state, std::string bytes) {
  way.file.state = state;
  way.file.sha256_after = base::Sha256Hex(bytes);
  way.new_bytes = std::move(bytes);
  return way;
}

// The text before the deploy where only the description is still ours.
std::optional<std::string> OnlyDescription(const std::string& path, const std::string& now,
                                           const std::string& before, const std::string& deployed) {
  const auto text_now = skillfs::ParseFrontmatter(now).description;
  const auto text_before = skillfs::ParseFrontmatter(before).description;
  if (!text_now.has_value() || !text_before.has_value()) return std::nullopt;
  if (text_now != skillfs::ParseFrontmatter(deployed).description) return std::nullopt;
  auto edited = skillfs::ReplaceDescription(now, *text_before, DirectoryName(path));
  if (!edited.ok()) return std::nullopt;
  return std::move(edited->bytes);
}

StatusOr<Way> FindWay(const Journal& journal, const Intent& intent, size_t index) {
  const IntentTarget& target = intent.targets[index];
  Way way;
  way.file.path = target.path;
  const auto now = base::ReadFile(target.path, kMaxSkillBytes);
  if (!now.ok()) {
    if (CodeOf(now.status()).name != kFileNotFound.name) return now.status();
    way.file.missing = true;
    way.detail = fmt::format("{} is gone", target.path);
    return way;
  }
  way.file.sha256_before = base::Sha256Hex(*now);
  const auto before = journal.OldBytes(intent, index);
  if (!before.ok()) return Refuse(std::move(way), std::string(Message(before.status())));
  if (way.file.sha256_before == target.new_sha256) {
    return Replace(std::move(way), RollbackState::kRolledBack, *before);
  }
  const auto deployed = journal.NewBytes(intent, index);
  if (!deployed.ok()) return Refuse(std::move(way), std::string(Message(deployed.status())));
  auto edited = OnlyDescription(target.path, *now, *before, *deployed);
  if (edited.has_value()) {
    way.detail = fmt::format("{} was edited since; only its description went back", target.path);
    return Replace(std::move(way), RollbackState::kPartial, *std::move(edited));
  }
  return Refuse(
      std::move(way),
      fmt::format("{} holds another description now; it was left as it is. The text "
                  "before the deploy is in {}",
                  target.path, base::JoinPath(journal.dir(), fmt::format("t{}.old", index))));
}

void AddDetail(RollbackOutcome& out, std::string_view detail) {
  if (detail.empty()) return;
  if (!out.detail.empty()) out.detail.append("; ");
  out.detail.append(detail);
}

// The journal and the store speak of the same files and bytes.
bool Agrees(const Intent& intent, const store::DeployRow& row) {
  return std::equal(intent.targets.begin(), intent.targets.end(), row.targets.begin(),
                    row.targets.end(),
                    [](const IntentTarget& target, const store::DeployTargetRow& stored) {
                      return target.path == stored.path &&
                             base::FromHex(target.old_sha256) == stored.old_sha256 &&
                             base::FromHex(target.new_sha256) == stored.new_sha256;
                    });
}

// Nothing can be taken back: every file stays as it is.
RollbackOutcome Impossible(const store::DeployRow& row, std::string detail) {
  RollbackOutcome out;
  out.undone = row.deploy_id;
  out.state = RollbackState::kConflicted;
  out.detail = std::move(detail);
  for (const store::DeployTargetRow& target : row.targets) {
    RollbackFile& file = out.files.emplace_back();
    file.path = target.path;
    file.state = RollbackState::kConflicted;
    const auto now = base::ReadFile(target.path, kMaxSkillBytes);
    file.missing = !now.ok();
    if (now.ok()) file.sha256_before = file.sha256_after = base::Sha256Hex(*now);
  }
  return out;
}

struct Prepared {
  RollbackOutcome outcome;
  DeployPlan plan;
};

StatusOr<Prepared> PrepareRollback(const DeployWorld& world, std::string_view deploy_id) {
  ST_ASSIGN_OR_RETURN(const store::DeployRow row, store::ReadDeploy(*world.db, deploy_id));
  if (row.kind != "deploy" || row.state != "deployed") {
    return WithSuggestion(Fail(kConflicted, "rolling back {}: it is a {} in state {}", deploy_id,
                               row.kind, row.state),
                          "only a finished deploy can be taken back, once",
                          base::JoinCommand({"selftune", "skills", "show", row.skill}));
  }
  const Journal journal(world.state_dir, deploy_id);
  const auto intent = journal.ReadIntent();
  if (!intent.ok()) return Prepared{Impossible(row, std::string(Message(intent.status()))), {}};
  if (!Agrees(*intent, row)) {
    return Prepared{Impossible(row, fmt::format("{} does not agree with the store", journal.dir())),
                    {}};
  }
  Prepared out;
  out.outcome.undone = std::string(deploy_id);
  out.plan = {.skill = intent->skill,
              .proposal_id = intent->proposal_id,
              .kind = Kind::kRollback,
              .undoes = std::string(deploy_id)};
  for (size_t i = 0; i < intent->targets.size(); ++i) {
    ST_ASSIGN_OR_RETURN(Way way, FindWay(journal, *intent, i));
    AddDetail(out.outcome, way.detail);
    out.outcome.state = std::max(out.outcome.state, way.file.state);
    if (!way.file.missing && way.file.state != RollbackState::kConflicted) {
      out.plan.targets.push_back({.path = way.file.path,
                                  .old_sha256 = way.file.sha256_before,
                                  .new_bytes = std::move(way.new_bytes)});
    }
    out.outcome.files.push_back(std::move(way.file));
  }
  // One replica that cannot go back keeps all of them: they deploy together.
  // Copies that are gone do not; but something has to be left.
  if (out.plan.targets.empty()) out.outcome.state = RollbackState::kConflicted;
  return out;
}

// What a decision means for the files: where one is in the way, none changes.
RollbackOutcome Decided(RollbackOutcome outcome) {
  if (outcome.state != RollbackState::kConflicted) return outcome;
  for (RollbackFile& file : outcome.files) {
    file.state = RollbackState::kConflicted;
    file.sha256_after = file.sha256_before;
  }
  return outcome;
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

StatusOr<RollbackOutcome> PlanRollback(const DeployWorld& world, std::string_view deploy_id) {
  ST_ASSIGN_OR_RETURN(Prepared prepared, PrepareRollback(world, deploy_id));
  return Decided(std::move(prepared.outcome));
}

StatusOr<RollbackOutcome> Rollback(const DeployWorld& world, std::string_view deploy_id,
                                   std::string_view reason, std::string_view run_id) {
  ST_ASSIGN_OR_RETURN(Prepared prepared, PrepareRollback(world, deploy_id));
  RollbackOutcome out = Decided(std::move(prepared.outcome));
  if (out.state == RollbackState::kConflicted) return out;
  prepared.plan.reason = std::string(reason);
  prepared.plan.run_id = std::string(run_id);
  ST_ASSIGN_OR_RETURN(DeployOutcome done, Execute(world, prepared.plan));
  out.deploy_id = std::move(done.deploy_id);
  for (const std::string& kept : done.conflict_files) {
    AddDetail(out, fmt::format("a late edit is kept in {}", kept));
  }
  AddDetail(out, done.left_over);
  return out;
}

}  // namespace selftune::deploy
