#include "cli/mcp/transport.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "cli/terminal.h"

namespace selftune::cli::mcp {
namespace {

// Any thread may be the one that is interrupted.
std::atomic<int> caught_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free);
int signal_pipe[2] = {-1, -1};

// Nothing is read from the pipe: once there is a byte, every wait ends.
void EndWaits() {
  const char byte = 0;
  (void)!write(signal_pipe[1], &byte, 1);
}

void OnSignal(int number) {
  if (caught_signal != 0) _exit(128 + number);  // asked twice: do not wait
  const int keep = errno;
  caught_signal = number;
  EndWaits();
  errno = keep;
}

// What may be written without waiting is, after a wait that a signal ends.
// -1 at an error or when it is to end.
ssize_t WriteSome(std::string_view text) {
  // This much fits into a pipe that takes anything.
  constexpr size_t kAtOnce = 4096;
  struct pollfd waits[2] = {{STDOUT_FILENO, POLLOUT, 0}, {signal_pipe[0], POLLIN, 0}};
  if (poll(waits, 2, -1) < 0) return errno == EINTR ? 0 : -1;
  if (waits[1].revents != 0) {
    errno = EINTR;
    return -1;
  }
  ssize_t n = send(STDOUT_FILENO, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n < 0 && errno == ENOTSOCK) {
    n = write(STDOUT_FILENO, text.data(), std::min(text.size(), kAtOnce));
  }
  return n < 0 && (errno == EINTR || errno == EAGAIN) ? 0 : n;
}

void Handle(int number, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, nullptr);
}

}  // namespace

std::optional<LineSource::Line> LineSource::Next() {
  for (;;) {
    const size_t at = buffer_.find('\n', searched_);
    if (at != std::string::npos) {
      Line line{buffer_.substr(0, at), skipping_};
      if (skipping_) line.text.clear();
      buffer_.erase(0, at + 1);
      searched_ = 0;
      skipping_ = false;
      return line;
    }
    searched_ = buffer_.size();
    if (searched_ > kMaxLineBytes) {
      skipping_ = true;
      buffer_.clear();
      searched_ = 0;
    }
    if (!Fill()) break;
  }
  // A last line without its break was not sent whole, but is understood.
  if (buffer_.empty() || stopped_) return std::nullopt;
  Line line{std::move(buffer_), skipping_};
  buffer_.clear();
  return line;
}

bool LineSource::Fill() {
  while (!ended_) {
    struct pollfd waits[2] = {{STDIN_FILENO, POLLIN, 0}, {signal_pipe[0], POLLIN, 0}};
    if (poll(waits, 2, -1) < 0 && errno != EINTR) break;
    stopped_ = waits[1].revents != 0;
    if (stopped_) break;
    if (waits[0].revents == 0) continue;
    char chunk[1 << 16];
    const ssize_t n = read(STDIN_FILENO, chunk, sizeof chunk);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n <= 0) break;
    buffer_.append(chunk, static_cast<size_t>(n));
    return true;
  }
  ended_ = true;
  return false;
}

int LineSource::signal() const { return static_cast<int>(caught_signal); }

void LineSink::Write(std::string line) {
  line += '\n';
  const std::lock_guard<std::mutex> lock(mutex_);
  std::string_view rest = line;
  while (!broken_ && !rest.empty()) {
    const ssize_t n = WriteSome(rest);
    if (n >= 0) {
      rest.remove_prefix(static_cast<size_t>(n));
      continue;
    }
    broken_ = true;
    if (errno == EINTR) return;  // it was to end
    WriteErr("selftune: WRITE_FAILED: the client reads no more\n");
    EndWaits();
  }
}

void LineSink::GiveUp() { EndWaits(); }

bool LineSink::broken() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return broken_;
}

SignalPipe::SignalPipe() {
  if (pipe(signal_pipe) == 0) {
    for (const int end : signal_pipe) {
      fcntl(end, F_SETFD, FD_CLOEXEC);
      fcntl(end, F_SETFL, O_NONBLOCK);
    }
  }
  Handle(SIGINT, OnSignal);
  Handle(SIGTERM, OnSignal);
  Handle(SIGPIPE, SIG_IGN);
}

SignalPipe::~SignalPipe() {
  Handle(SIGINT, SIG_DFL);
  Handle(SIGTERM, SIG_DFL);
  for (int& end : signal_pipe) {
    if (end >= 0) close(end);
    end = -1;
  }
}

}  // namespace selftune::cli::mcp
