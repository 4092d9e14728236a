#include "capi/state_lock.h"

#include <unistd.h>

#include <chrono>
#include <string>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"

namespace selftune::capi {
namespace {

constexpr std::chrono::seconds kLockWait{5};

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
  return base::LockFile::Acquire(path, holder.view(), kLockWait, &context.cancel());
}

}  // namespace selftune::capi
