#include "store/swap.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <thread>
#include <utility>

#include "base/file.h"
#include "base/status_macros.h"

namespace selftune::store {
namespace {

constexpr int kLogAttempts = 20;
constexpr size_t kCopyChunk = 1 << 20;

// A file of this name is whole and only waits for its last rename.
std::string Waiting(const std::string& store_path) { return store_path + ".swapping"; }

StatusOr<base::LockFile> LockSwap(const std::string& store_path) {
  const std::string dir = base::JoinPath(base::DirName(store_path), "locks");
  ST_RETURN_IF_ERROR(base::MakeDirs(dir, 0700));
  StatusOr<base::LockFile> lock =
      base::LockFile::TryAcquire(base::JoinPath(dir, "swap.lock"), R"({"what":"swap"})");
  if (!lock.ok() && CodeOf(lock.status()).name == kLockHeld.name) {
    return Fail(kStoreBusy, "opening {}: another process puts a new file in its place", store_path);
  }
  return lock;
}

Status SyncFolder(const std::string& store_path) {
  return base::SyncDir(std::string(base::DirName(store_path)));
}

// The old file under a second name; a copy where links are not possible. What
// is in its log only is kept, too.
Status KeepOld(const std::string& store_path, const std::string& aside) {
  if (base::Exists(store_path) && ::link(store_path.c_str(), aside.c_str()) != 0) {
    ST_RETURN_IF_ERROR(CopyBytes(store_path, aside));
  }
  const auto log = base::Stat(store_path + "-wal");
  if (log.ok() && log->size > 0) ST_RETURN_IF_ERROR(CopyBytes(store_path + "-wal", aside + "-wal"));
  return SyncFolder(store_path);
}

// A crash before the log is gone leaves the old store as it was; one behind it,
// the last rename to whoever opens the store next.
Status LastSteps(const std::string& store_path) {
  // A log belongs to the file it was written for and would spoil another one.
  ST_RETURN_IF_ERROR(base::RemoveFile(store_path + "-wal"));
  ST_RETURN_IF_ERROR(base::RemoveFile(store_path + "-shm"));
  ST_RETURN_IF_ERROR(base::Rename(Waiting(store_path), store_path));
  return SyncFolder(store_path);
}

// Opening a file that is shorter than its header makes the database library
// remove the log.
bool MayBeOpened(const std::string& store_path) {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  const auto file = base::OpenRead(store_path);
  if (!file.ok()) return false;
  std::string head(512, '\0');
  const auto got = base::ReadAt(file->fd(), 0, head.data(), head.size(), store_path);
  return got.ok() && *got == head.size() && head.starts_with(kMagic);
}

// With its log the old store is whole, and may have been written since the new
// file was made, which is a copy that can be made again. Other programs take the
// log away when they are done; the file is newer then.
bool WasWritten(const std::string& store_path) {
  const auto old = base::Stat(store_path);
  if (!old.ok()) return false;
  const auto waiting = base::Stat(Waiting(store_path));
  return base::Exists(store_path + "-wal") || !waiting.ok() || old->mtime_ns >= waiting->ctime_ns;
}

bool LogIsEmpty(const std::string& store_path) {
  const auto log = base::Stat(store_path + "-wal");
  return !log.ok() || log->size == 0;
}

}  // namespace

std::string ResolveStore(const std::string& store_path) {
  StatusOr<std::string> real = base::RealPath(store_path);
  return real.ok() ? *std::move(real) : store_path;
}

Status CopyBytes(const std::string& from, const std::string& to) {
  ST_ASSIGN_OR_RETURN(const base::FileHandle source, base::OpenRead(from));
  ST_RETURN_IF_ERROR(base::WriteFileNew(to, "", 0600));
  const base::FileHandle target(::open(to.c_str(), O_WRONLY | O_CLOEXEC));
  if (!target.valid()) return Fail(kWriteFailed, "writing {}: {}", to, strerror(errno));
  std::string chunk(kCopyChunk, '\0');
  for (uint64_t at = 0;;) {
    ST_ASSIGN_OR_RETURN(const size_t got,
                        base::ReadAt(source.fd(), at, chunk.data(), chunk.size(), from));
    if (got == 0) break;
    ST_RETURN_IF_ERROR(base::WriteAll(target.fd(), std::string_view(chunk).substr(0, got), to));
    at += got;
  }
  return base::SyncFile(target.fd(), to);
}

StatusOr<StoreSwap> StoreSwap::Begin(const std::string& named, Options options) {
  const std::string store_path = ResolveStore(named);
  ST_RETURN_IF_ERROR(base::MakeDirs(std::string(base::DirName(store_path)), 0700));
  ST_RETURN_IF_ERROR(FinishSwap(store_path));
  ST_ASSIGN_OR_RETURN(base::LockFile lock, LockSwap(store_path));
  StoreSwap swap(store_path, std::move(lock));
  if (base::Exists(store_path)) ST_RETURN_IF_ERROR(swap.LockOld(options));
  return swap;
}

Status StoreSwap::LockOld(const Options& options) {
  if (!MayBeOpened(path_)) return absl::OkStatus();
  auto opened = Db::OpenUnchecked(path_, /*read_only=*/false, options.wait);
  if (!opened.ok()) return absl::OkStatus();
  for (int i = 0; i < kLogAttempts; ++i) {
    // So that the file alone is all of it; not inside a transaction.
    const Status folded =
        options.fold_log ? (*opened)->Checkpoint(/*truncate=*/true) : absl::OkStatus();
    const Status locked = (*opened)->Execute("BEGIN EXCLUSIVE");
    if (!locked.ok() && CodeOf(locked).name == kStoreBusy.name) return locked;
    if (!locked.ok()) return absl::OkStatus();  // a file that is no database needs no lock
    old_ = std::move(*opened);
    if (!options.fold_log || !folded.ok() || LogIsEmpty(path_) || i + 1 == kLogAttempts) break;
    ST_RETURN_IF_ERROR(old_->Execute("ROLLBACK"));
    opened = std::move(old_);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return absl::OkStatus();
}

Status StoreSwap::Finish(const std::string& fresh, const std::string& aside) {
  if (!aside.empty()) ST_RETURN_IF_ERROR(KeepOld(path_, aside));
  ST_RETURN_IF_ERROR(base::Rename(fresh, Waiting(path_)));
  ST_RETURN_IF_ERROR(SyncFolder(path_));
  ST_RETURN_IF_ERROR(LastSteps(path_));
  old_.reset();
  return absl::OkStatus();
}

Status FinishSwap(const std::string& named) {
  const std::string store_path = ResolveStore(named);
  if (!base::Exists(Waiting(store_path))) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(const base::LockFile lock, LockSwap(store_path));
  if (!base::Exists(Waiting(store_path))) return absl::OkStatus();
  if (WasWritten(store_path)) return base::RemoveFile(Waiting(store_path));
  return LastSteps(store_path);
}

Status MakeSingleFile(const std::string& path) {
  {
    ST_ASSIGN_OR_RETURN(const std::unique_ptr<Db> db, Db::OpenUnchecked(path));
    ST_RETURN_IF_ERROR(db->Execute("PRAGMA journal_mode=WAL"));
    ST_RETURN_IF_ERROR(db->Checkpoint(/*truncate=*/true));
  }
  ST_RETURN_IF_ERROR(base::RemoveFile(path + "-wal"));
  ST_RETURN_IF_ERROR(base::RemoveFile(path + "-shm"));
  ST_ASSIGN_OR_RETURN(const base::FileHandle file, base::OpenRead(path));
  return base::SyncFile(file.fd(), path);
}

Status RemoveStoreFiles(const std::string& path) {
  for (const char* suffix : {"-wal", "-shm", "-journal", ""}) {
    ST_RETURN_IF_ERROR(base::RemoveFile(path + suffix));
  }
  return absl::OkStatus();
}

}  // namespace selftune::store
