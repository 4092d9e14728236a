// What the operations of the loop have in common: a durable connection, the
// installed skills, the configuration.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "capi/context.h"
#include "config/config.h"
#include "deploy/recover.h"
#include "skillfs/discovery.h"
#include "store/db.h"

namespace selftune::capi {

// Lives as long as the operation. `db` is durable and writable; in a dry run it
// is the read connection.
class LoopWorld {
 public:
  // `needs_accounting`: a dry run that may call a model, whose spending is
  // always written down.
  [[nodiscard]] static StatusOr<std::unique_ptr<LoopWorld>> Open(Context& context,
                                                                 bool needs_accounting);
  // For operations that only look, whatever the request says.
  [[nodiscard]] static StatusOr<std::unique_ptr<LoopWorld>> OpenRead(Context& context);
  [[nodiscard]] store::Db& db() { return *db_; }
  [[nodiscard]] const config::Config& config() const { return *config_; }
  // Reads the disk once.
  [[nodiscard]] StatusOr<const skillfs::Discovery*> skills();

  // Reads new transcripts first (not in a dry run); `force`: every one again.
  [[nodiscard]] Status Sync(bool force = false);

  // Ends what a crash left half done, before any other work (not in a dry run),
  // and warns of what could not be ended. LOCK_HELD when a deploy is running.
  [[nodiscard]] Status RecoverDeploys();

 private:
  [[nodiscard]] Status ReadConfig();
  explicit LoopWorld(Context& context) : context_(context) {}
  Context& context_;
  const config::Config* config_ = nullptr;
  std::unique_ptr<store::Db> own_;
  store::Db* db_ = nullptr;
  std::unique_ptr<skillfs::Discovery> skills_;
};

// A warning for each deploy that a recovery could not end.
void WarnOfDamage(Context& context, const deploy::RecoverReport& report);

}  // namespace selftune::capi
