#include "base/watch.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/inotify.h>
#endif

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

namespace selftune::base {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

#ifdef __linux__
constexpr uint32_t kEvents = IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;
constexpr uint32_t kGone = IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED;
#endif

}  // namespace

FolderWatch::FolderWatch(std::string folder, std::vector<std::string> names)
    : folder_(std::move(folder)), names_(std::move(names)) {}

StatusOr<std::unique_ptr<FolderWatch>> FolderWatch::Open(std::string folder,
                                                         std::vector<std::string> names) {
  std::unique_ptr<FolderWatch> watch(new FolderWatch(std::move(folder), std::move(names)));
  if (pipe2(watch->stop_, O_CLOEXEC | O_NONBLOCK) != 0) {
    return Fail(kFileUnreadable, "watching {}: creating a pipe: {}", watch->folder_,
                std::generic_category().message(errno));
  }
#ifdef __linux__
  watch->notify_ = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
#endif
  (void)watch->works();
  return watch;
}

FolderWatch::~FolderWatch() {
  for (const int fd : {stop_[0], stop_[1], notify_}) {
    if (fd >= 0) close(fd);
  }
}

void FolderWatch::Stop() {
  const char byte = 1;
  // A full pipe has been written to before.
  if (write(stop_[1], &byte, 1) < 0) return;
}

bool FolderWatch::works() {
#ifdef __linux__
  if (watch_ < 0 && notify_ >= 0) {
    watch_ = inotify_add_watch(notify_, folder_.c_str(), kEvents | kGone | IN_ONLYDIR);
  }
#endif
  return watch_ >= 0;
}

FolderWatch::Woken FolderWatch::Wait(milliseconds time) { return Poll(time, /*changes=*/true); }

FolderWatch::Woken FolderWatch::Pause(milliseconds time) { return Poll(time, /*changes=*/false); }

FolderWatch::Woken FolderWatch::Poll(milliseconds time, bool changes) {
  const auto end = steady_clock::now() + time;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now()).count();
    pollfd waits[2] = {{stop_[0], POLLIN, 0}, {notify_, POLLIN, 0}};
    const nfds_t count = changes && works() ? 2 : 1;
    const int ready = poll(waits, count, static_cast<int>(std::max<int64_t>(left, 0)));
    if (ready > 0 && waits[0].revents != 0) return Woken::kStopped;
    if (ready > 0 && Drain()) return Woken::kChanged;
    if (ready == 0 || (ready < 0 && errno != EINTR)) return Woken::kTimeout;
  }
}

bool FolderWatch::Drain() {
  bool ours = false;
#ifdef __linux__
  alignas(inotify_event) char buffer[4096];
  ssize_t size = 0;
  while ((size = read(notify_, buffer, sizeof buffer)) > 0) {
    for (ssize_t at = 0; at < size;) {
      inotify_event event;
      std::memcpy(&event, buffer + at, sizeof event);
      const std::string_view name(event.len > 0 ? buffer + at + sizeof event : "");
      at += static_cast<ssize_t>(sizeof event + event.len);
      const bool gone = (event.mask & kGone) != 0 && event.wd == watch_;
      if (gone) watch_ = -1;  // the folder; works() looks for a new one
      const bool lost = gone || (event.mask & IN_Q_OVERFLOW) != 0;
      const bool meant =
          names_.empty() || std::find(names_.begin(), names_.end(), name) != names_.end();
      ours = ours || lost || meant;
    }
  }
#endif
  return ours;
}

}  // namespace selftune::base
