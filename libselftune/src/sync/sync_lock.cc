#include "sync/sync_lock.h"

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"

namespace selftune::sync {
namespace {

constexpr std::chrono::seconds kLockWait{60};

}  // namespace

StatusOr<base::LockFile> LockSync(const store::Db& db, UtcMillis now, const base::Cancel* cancel) {
  return LockSync(db.path(), now, cancel);
}

StatusOr<base::LockFile> LockSync(const std::string& store_path, UtcMillis now,
                                  const base::Cancel* cancel) {
  const std::string dir = base::JoinPath(base::DirName(store_path), "locks");
  ST_RETURN_IF_ERROR(base::MakeDirs(dir, 0700));
  const std::string path = base::JoinPath(dir, "sync.lock");
  base::JsonWriter holder;
  holder.BeginObject()
      .Field("what", "sync")
      .Field("pid", static_cast<int64_t>(::getpid()))
      .Field("started_at", now)
      .EndObject();
  StatusOr<base::LockFile> lock = base::LockFile::Acquire(path, holder.view(), kLockWait, cancel);
  if (lock.ok() || CodeOf(lock.status()).name != kLockHeld.name) return lock;
  return WithSuggestion(lock.status(), "another sync of this store is at work; try again later",
                        "selftune doctor --only 'lock*'");
}

}  // namespace selftune::sync
