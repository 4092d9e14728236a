#include "capi/loop_world.h"

#include <memory>
#include <string>
#include <vector>

#include "base/status_macros.h"
#include "hosts/installed_skills.h"
#include "store/source_ledger.h"

namespace selftune::capi {

StatusOr<std::unique_ptr<LoopWorld>> LoopWorld::Open(Context& context, bool needs_accounting) {
  std::unique_ptr<LoopWorld> world(new LoopWorld(context));
  ST_ASSIGN_OR_RETURN(world->config_, context.config());
  if (context.dry_run() && !needs_accounting) return OpenRead(context);
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
  ST_ASSIGN_OR_RETURN(world->config_, context.config());
  ST_ASSIGN_OR_RETURN(world->db_, context.ReadDb());
  return world;
}

StatusOr<const skillfs::Discovery*> LoopWorld::skills() {
  if (skills_ == nullptr) {
    ST_ASSIGN_OR_RETURN(const std::vector<std::string> workspaces, store::Workspaces(*db_));
    ST_ASSIGN_OR_RETURN(const base::Environment* const env, context_.hosts_env());
    skills_ = std::make_unique<skillfs::Discovery>(hosts::FindInstalledSkills(*env, workspaces));
  }
  return skills_.get();
}

}  // namespace selftune::capi
