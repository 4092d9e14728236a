#include "base/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/status_macros.h"

namespace selftune::base {
namespace {

constexpr size_t kMaxHolderText = 4096;  // bytes shown
constexpr int kReopenTries = 8;
constexpr int kLockTries = 5;
constexpr std::chrono::milliseconds kWaitPause{5};  // between two tries
constexpr timespec kLockPause{.tv_sec = 0, .tv_nsec = 1'000'000};

std::string ErrnoText(int error) { return std::generic_category().message(error); }

bool Flock(int fd, int operation) {
  int result;
  do {
    result = flock(fd, operation);
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

// Exclusive lock. Holder() takes the lock for an instant, which must not look
// like somebody at work, hence the tries.
bool LockExclusive(int fd) {
  for (int attempt = 1;; ++attempt) {
    if (Flock(fd, LOCK_EX | LOCK_NB)) return true;
    if (errno != EWOULDBLOCK || attempt == kLockTries) return false;
    nanosleep(&kLockPause, nullptr);
  }
}

// The text as it is now; a holder that is just writing may show up empty.
std::string ReadText(int fd, const std::string& path) {
  std::string text(kMaxHolderText, '\0');
  const StatusOr<size_t> size = ReadAt(fd, 0, text.data(), text.size(), path);
  text.resize(size.ok() ? *size : 0);
  return text;
}

Status LockError(const std::string& path, int error) {
  return Fail(kWriteFailed, "locking {}: {}", path, ErrnoText(error));
}

// The holder's text for a person: "process 12 (sync), since 2026-...".
std::string NameOf(const std::string& holder) {
  const StatusOr<JsonValue> facts = JsonValue::Parse(holder);
  if (!facts.ok() || !(*facts)["pid"].is_int()) {
    return holder.empty() ? std::string("another process") : holder;
  }
  std::string name = fmt::format("process {}", (*facts)["pid"].AsInt());
  const std::string& what = (*facts)["what"].AsString();
  const std::string& since = (*facts)["started_at"].AsString();
  if (!what.empty()) name += fmt::format(" ({})", what);
  return since.empty() ? name : name + fmt::format(", since {}", since);
}

Status HeldError(const std::string& path, const std::string& holder) {
  JsonWriter details;
  details.BeginObject().Field("path", path).Field("holder", holder).EndObject();
  const std::string name = NameOf(holder);
  return WithSuggestion(
      WithDetails(Fail(kLockHeld, "locking {}: held by {}", path, name), std::move(details).Take()),
      fmt::format("{} is at work; try again when it has ended", name),
      "selftune doctor --only 'lock*'");
}

// False if `path` names another file by now: somebody removed or replaced the
// lock file between our open and our lock, and we locked a file nobody sees.
bool StillAt(const std::string& path, int fd) {
  struct stat locked;
  struct stat named;
  return fstat(fd, &locked) == 0 && stat(path.c_str(), &named) == 0 &&
         locked.st_dev == named.st_dev && locked.st_ino == named.st_ino;
}

}  // namespace

StatusOr<LockFile> LockFile::TryAcquire(const std::string& path, std::string_view holder_text) {
  for (int attempt = 0; attempt < kReopenTries; ++attempt) {
    FileHandle file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.valid()) {
      const int error = errno;
      return Fail(error == ENOENT || error == ENOTDIR ? kFileNotFound
                  : error == ENOSPC                   ? kDiskFull
                                                      : kWriteFailed,
                  "opening lock file {}: {}", path, ErrnoText(error));
    }
    if (!LockExclusive(file.fd())) {
      if (errno != EWOULDBLOCK) return LockError(path, errno);
      return HeldError(path, ReadText(file.fd(), path));
    }
    if (!StillAt(path, file.fd())) continue;
    LockFile lock(std::move(file), path);
    // The lock holds with or without its text (on a full disk, say).
    const Status shown = lock.Update(holder_text);
    static_cast<void>(shown);
    return lock;
  }
  return Fail(kLockHeld, "locking {}: the file is replaced again and again", path);
}

StatusOr<LockFile> LockFile::Acquire(const std::string& path, std::string_view holder_text,
                                     std::chrono::milliseconds wait, const Cancel* cancel) {
  const auto until = std::chrono::steady_clock::now() + wait;
  for (;;) {
    StatusOr<LockFile> lock = TryAcquire(path, holder_text);
    const bool held = !lock.ok() && CodeOf(lock.status()).name == kLockHeld.name;
    if (!held || std::chrono::steady_clock::now() >= until) return lock;
    if (cancel != nullptr) ST_RETURN_IF_ERROR(cancel->Check());
    std::this_thread::sleep_for(kWaitPause);
  }
}

StatusOr<std::optional<std::string>> LockFile::Holder(const std::string& path) {
  // A FIFO in its place has nobody to wait for.
  const FileHandle file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.valid()) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<std::string>();
    return Fail(kFileUnreadable, "opening lock file {}: {}", path, ErrnoText(errno));
  }
  // A shared lock, so that two who only look do not see each other.
  if (Flock(file.fd(), LOCK_SH | LOCK_NB)) return std::optional<std::string>();
  if (errno != EWOULDBLOCK) return LockError(path, errno);
  return std::optional<std::string>(ReadText(file.fd(), path));
}

Status LockFile::Update(std::string_view holder_text) {
  // Written before cut: a reader in between sees a mixture, never nothing.
  if (lseek(file_.fd(), 0, SEEK_SET) != 0) return LockError(path_, errno);
  ST_RETURN_IF_ERROR(WriteAll(file_.fd(), holder_text, path_));
  if (ftruncate(file_.fd(), static_cast<off_t>(holder_text.size())) != 0) {
    return LockError(path_, errno);
  }
  return absl::OkStatus();
}

}  // namespace selftune::base
