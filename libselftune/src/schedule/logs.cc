#include "schedule/logs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "base/file.h"
#include "base/status_macros.h"

namespace selftune::schedule {
namespace {

constexpr int kAnyHours = 6;  // logs have the names of jobs, whenever those run

std::string Aside(const std::string& path, int number) {
  return path + "." + std::to_string(number);
}

Status Failed(const std::string& path) {
  return Fail(kWriteFailed, "bounding the log {}: {}", path,
              std::generic_category().message(errno));
}

// Schedulers make it by the mask of their own.
Status ForOwnerOnly(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return Failed(path);
  const bool done = ::fchmod(fd, 0600) == 0;
  const int error = errno;
  ::close(fd);
  errno = error;
  return done ? absl::OkStatus() : Failed(path);
}

Status Bound(const std::string& path) {
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return absl::OkStatus();
  if ((info.st_mode & 0077) != 0) ST_RETURN_IF_ERROR(ForOwnerOnly(path));
  if (info.st_size < kMaxJobLog) return absl::OkStatus();
  for (int i = kJobLogs - 1; i > 0; --i) {
    const std::string from = i == 1 ? path : Aside(path, i - 1);
    const Status moved = base::Rename(from, Aside(path, i));
    if (!moved.ok() && CodeOf(moved).name != kFileNotFound.name) return moved;
  }
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return errno == EEXIST ? absl::OkStatus() : Failed(path);  // a job was quicker
  ::close(fd);
  return absl::OkStatus();
}

}  // namespace

Status BoundLogs(const Places& places) {
  for (const Job& job : DefaultJobs("", kAnyHours)) {
    for (const Platform platform : {Platform::kCron, Platform::kLaunchd}) {
      ST_RETURN_IF_ERROR(Bound(places.LogOf(platform, job)));
    }
  }
  return absl::OkStatus();
}

}  // namespace selftune::schedule
