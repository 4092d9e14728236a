// Copies of the database: consistent while others write, checked before they
// count, never overwritten.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/time.h"

namespace selftune::store {

struct BackupInfo {
  std::string id;  // "20261125T210405123Z"
  std::string path;
  UtcMillis at;
  int64_t bytes = 0;
};

struct BackupReport {
  BackupInfo backup;
  std::string sha256;  // hex, of the file
};

// Copies `store_path` to `<its folder>/backups/selftune-<id>.db`: pages in
// small steps, quick check, fsync, rename, fsync of the folder.
[[nodiscard]] StatusOr<BackupReport> CreateBackup(const std::string& store_path, UtcMillis now,
                                                  const base::Cancel* cancel = nullptr);

// Copies `from` into a new file `to`, consistent while others write, and checks
// the copy: one file, no log beside it.
[[nodiscard]] Status CopyStore(const std::string& from, const std::string& to,
                               const base::Cancel* cancel);

// Newest first. An absent folder is an empty list.
[[nodiscard]] StatusOr<std::vector<BackupInfo>> ListBackups(const std::string& store_path);

struct BackupCheck {
  BackupInfo backup;
  bool ok = false;
  std::string problem;  // "" when ok
};

// Is it no backup, but the name of what recover or a restore moved aside:
// "before-recover-..." of selftune.db.before-recover-...?
[[nodiscard]] bool IsAsideId(std::string_view id);

// Opens the backup and checks pages, foreign keys and our mark. NOT_FOUND. What was
// moved aside only has to be there: it may be damaged.
[[nodiscard]] StatusOr<BackupCheck> VerifyBackup(const std::string& store_path,
                                                 std::string_view id);

struct RestoreReport {
  std::string restored;     // path of the backup
  std::string moved_aside;  // where the former database is now, "" = there was none
};

// Verifies, moves the current file (with its -wal and -shm) aside, then puts
// the copy in place. Nothing is deleted. STORE_BUSY when somebody writes for
// longer than `wait`.
[[nodiscard]] StatusOr<RestoreReport> RestoreBackup(
    const std::string& store_path, std::string_view id, UtcMillis now,
    std::chrono::milliseconds wait = std::chrono::seconds(5));

// Keeps the newest of each of 7 days and of 4 weeks, and at most 20 % of the
// free disk; the newest always stays. Returns the paths removed.
[[nodiscard]] StatusOr<std::vector<std::string>> PruneBackups(const std::string& store_path,
                                                              UtcMillis now);

}  // namespace selftune::store
