#include "capi/state_lock.h"

#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"

namespace selftune::capi {
namespace {

constexpr std::chrono::seconds kLockWait{5};
constexpr std::chrono::milliseconds kLockPause{5};

}  // namespace

StatusOr<base::LockFile> TakeStateLock(const Context& context, std::string_view name) {
  const std::string dir = base::JoinPath(context.paths().state_dir, "locks");
  ST_RETURN_IF_ERROR(base::MakeDirs(dir, 0700));
  base::JsonWriter holder;
  holder.BeginObject()
      .Field("what", context.op())
      .Field("pid", static_cast<int64_t>(::getpid()))
      .Field("started_at", context.now())
      .EndObject();
  const std::string path = base::JoinPath(dir, std::string(name) + ".lock");
  const auto until = std::chrono::steady_clock::now() + kLockWait;
  for (;;) {
    auto lock = base::LockFile::TryAcquire(path, holder.view());
    const bool held = !lock.ok() && CodeOf(lock.status()).name == kLockHeld.name;
    if (!held || std::chrono::steady_clock::now() >= until) return lock;
    ST_RETURN_IF_ERROR(context.cancel().Check());
    std::this_thread::sleep_for(kLockPause);
  }
}

}  // namespace selftune::capi
