#include "capi/loop_world.h"

#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "hosts/installed_skills.h"
#include "hosts/sources.h"
#include "store/source_ledger.h"
#include "sync/held_skills.h"
#include "sync/sync.h"

namespace selftune::capi {

StatusOr<std::unique_ptr<LoopWorld>> LoopWorld::Open(Context& context, bool needs_accounting) {
  if (context.dry_run() && !needs_accounting) return OpenRead(context);
  std::unique_ptr<LoopWorld> world(new LoopWorld(context));
  ST_RETURN_IF_ERROR(world->ReadConfig());
  // Creates and migrates; the durable connection then only opens.
  if (context.dry_run()) {
    ST_RETURN_IF_ERROR(context.ReadDb().status());
    ST_RETURN_IF_ERROR(context.CheckWritable());
  } else {
    ST_RETURN_IF_ERROR(context.WriteDb().status());
  }
  store::OpenOptions options;
  options.mode = store::OpenMode::kReadWrite;
  options.durable = true;
  options.cancel = &context.cancel();
  ST_ASSIGN_OR_RETURN(world->own_, store::Db::Open(context.paths().db, options));
  world->db_ = world->own_.get();
  return world;
}

StatusOr<std::unique_ptr<LoopWorld>> LoopWorld::OpenRead(Context& context) {
  std::unique_ptr<LoopWorld> world(new LoopWorld(context));
  ST_RETURN_IF_ERROR(world->ReadConfig());
  ST_ASSIGN_OR_RETURN(world->db_, context.ReadDb());
  return world;
}

// What the file cannot say restricts until it is corrected, and is never silent.
Status LoopWorld::ReadConfig() {
  ST_ASSIGN_OR_RETURN(config_, context_.config());
  for (const config::Problem& problem : config_->problems) {
    context_.Warn(kInvalidConfig.name, fmt::format("{}: {}", config_->path, problem.message));
  }
  return absl::OkStatus();
}

Status LoopWorld::RecoverDeploys() {
  if (context_.dry_run()) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(
      const deploy::RecoverReport report,
      deploy::Recover(
          {.db = db_, .state_dir = context_.paths().state_dir, .clock = &context_.clock()}));
  if (!report.empty()) context_.SetChanged();
  WarnOfDamage(context_, report);
  return absl::OkStatus();
}

Status LoopWorld::Sync(bool force) {
  if (context_.dry_run()) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(const base::Environment* const env, context_.hosts_env());
  const sync::SyncWorld world{.env = env,
                              .clock = &context_.clock(),
                              .cancel = &context_.cancel(),
                              .sources = hosts::Sources()};
  ST_ASSIGN_OR_RETURN(const sync::SyncReport report, sync::Run(*db_, world, {.force = force}));
  if (report.changed) context_.SetChanged();
  return absl::OkStatus();
}

void WarnOfDamage(Context& context, const deploy::RecoverReport& report) {
  for (const deploy::DamagedJournal& journal : report.damaged) {
    context.Warn(CodeOf(journal.why).name,
                 fmt::format("deploy {} could not be brought to an end: {}", journal.deploy_id,
                             Message(journal.why)));
  }
}

StatusOr<const skillfs::Discovery*> LoopWorld::skills() {
  if (skills_ == nullptr) {
    ST_ASSIGN_OR_RETURN(const std::vector<std::string> workspaces, store::Workspaces(*db_));
    ST_ASSIGN_OR_RETURN(const base::Environment* const env, context_.hosts_env());
    skills_ = std::make_unique<skillfs::Discovery>(hosts::FindInstalledSkills(*env, workspaces));
    for (const Status& unknown : sync::HoldSkills(hosts::Sources(), *env, *skills_)) {
      context_.Warn(CodeOf(unknown).name, std::string(Message(unknown)));
    }
  }
  return skills_.get();
}

}  // namespace selftune::capi
