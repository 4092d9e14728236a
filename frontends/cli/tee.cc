#include "cli/tee.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

extern char** environ;

namespace selftune::cli {
namespace {

constexpr std::array<int, 4> kPassedOn = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
constexpr int kLookMs = 100;     // how late the end of the program may be noticed
constexpr int kSilentLooks = 5;  // a process it left behind may hold its output open

volatile pid_t running = 0;

void PassOn(int signal, siginfo_t* info, void*) {
  const int saved = errno;
  // The terminal has told the program itself.
  const bool from_terminal = info != nullptr && info->si_code == SI_KERNEL;
  if (running > 0 && !from_terminal) kill(running, signal);
  errno = saved;
}

// Our dispositions while the program runs.
class Signals {
 public:
  Signals() {
    struct sigaction pass = {};
    pass.sa_sigaction = PassOn;
    pass.sa_flags = SA_SIGINFO;
    for (size_t i = 0; i < kPassedOn.size(); ++i) sigaction(kPassedOn[i], nullptr, &before_[i]);
    for (size_t i = 0; i < kPassedOn.size(); ++i) {
      // Who runs us with nohup wants it for the program, too.
      if (before_[i].sa_handler != SIG_IGN) sigaction(kPassedOn[i], &pass, nullptr);
    }
    struct sigaction ignore = {};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, &pipe_before_);
  }
  ~Signals() {
    for (size_t i = 0; i < kPassedOn.size(); ++i) sigaction(kPassedOn[i], &before_[i], nullptr);
    sigaction(SIGPIPE, &pipe_before_, nullptr);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  [[nodiscard]] bool pipe_was_ignored() const { return pipe_before_.sa_handler == SIG_IGN; }

 private:
  std::array<struct sigaction, kPassedOn.size()> before_ = {};
  struct sigaction pipe_before_ = {};
};

pid_t Start(const std::vector<std::string>& argv, int out, const Signals& signals,
            const sigset_t& mask) {
  std::vector<char*> words;
  words.reserve(argv.size() + 1);
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  if (posix_spawn_file_actions_init(&files) != 0) return 0;
  pid_t pid = 0;
  if (posix_spawnattr_init(&attributes) == 0) {
    sigset_t defaults;
    sigemptyset(&defaults);
    if (!signals.pipe_was_ignored()) sigaddset(&defaults, SIGPIPE);
    const bool ready =
        posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO) == 0 &&
        posix_spawnattr_setsigdefault(&attributes, &defaults) == 0 &&
        posix_spawnattr_setsigmask(&attributes, &mask) == 0 &&
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK) == 0;
    if (!ready || posix_spawnp(&pid, words[0], &files, &attributes, words.data(), environ) != 0) {
      pid = 0;
    }
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_destroy(&files);
  return pid;
}

// False: nobody reads any more.
bool WriteAll(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      struct pollfd wait = {STDOUT_FILENO, POLLOUT, 0};
      if (poll(&wait, 1, -1) < 0 && errno != EINTR) return false;
      continue;
    }
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

// What became of the program; -1 while it runs.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  bool Look(int flags) {
    while (!ended_) {
      const pid_t got = waitpid(pid_, &status_, flags);
      if (got == 0) break;
      if (got < 0 && errno == EINTR) continue;
      ended_ = true;
      running = 0;
    }
    return ended_;
  }
  [[nodiscard]] int status() const { return status_; }

 private:
  pid_t pid_;
  int status_ = 0;
  bool ended_ = false;
};

void Pump(int from, Child& child, const std::function<void(std::string_view)>& seen) {
  std::array<char, 65536> buffer;
  int silent = 0;
  for (;;) {
    struct pollfd ready = {from, POLLIN, 0};
    const int found = poll(&ready, 1, kLookMs);
    if (found < 0 && errno != EINTR) return;
    if (found <= 0) {
      silent = child.Look(WNOHANG) ? silent + 1 : 0;
      if (silent >= kSilentLooks) return;
      continue;
    }
    const ssize_t n = read(from, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    silent = 0;
    const std::string_view bytes(buffer.data(), static_cast<size_t>(n));
    if (!WriteAll(bytes)) return;
    seen(bytes);
  }
}

}  // namespace

TeeEnd RunTee(const std::vector<std::string>& argv,
              const std::function<void(std::string_view)>& seen) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {};
  const Signals signals;
  // A signal between the start and the note of it waits.
  sigset_t held, before;
  sigemptyset(&held);
  for (const int signal : kPassedOn) sigaddset(&held, signal);
  sigprocmask(SIG_BLOCK, &held, &before);
  const pid_t pid = Start(argv, ends[1], signals, before);
  running = pid;
  sigprocmask(SIG_SETMASK, &before, nullptr);
  close(ends[1]);
  if (pid <= 0) {
    close(ends[0]);
    return {};
  }
  Child child(pid);
  Pump(ends[0], child, seen);
  close(ends[0]);  // it learns now that nobody reads
  child.Look(0);
  return {.started = true, .status = child.status()};
}

int EndLike(int status) {
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  if (signal == 0) return 1;
  const struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);  // its core is the one that tells
  struct sigaction plain = {};
  plain.sa_handler = SIG_DFL;
  sigaction(signal, &plain, nullptr);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  sigprocmask(SIG_UNBLOCK, &only, nullptr);
  raise(signal);
  return 128 + signal;
}

}  // namespace selftune::cli
