#include "base/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace selftune::base {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kCancelInterval{50};  // cancel is looked at this often
constexpr milliseconds kExitInterval{5};     // without a pidfd
constexpr milliseconds kDrainQuiet{500};     // output of helpers after the child's exit
constexpr milliseconds kHelperGrace{1000};   // of helpers, SIGTERM to SIGKILL
constexpr milliseconds kLongest{365LL * 24 * 3600 * 1000};  // keeps deadlines computable
constexpr size_t kBlock = 64 << 10;
constexpr int kBlocksPerTurn = 16;

std::string ErrnoText(int error) { return std::generic_category().message(error); }

Status StartError(std::string_view program, std::string_view what, int error) {
  return Fail(kProcessFailed, "starting {}: {}: {}", program, what, ErrnoText(error));
}

// Whether anyone but its leader is in a process group. Only asked to wait no
// longer than needed: without /proc the answer is yes.
bool GroupHasOthers(pid_t leader) {
  DIR* const all = opendir("/proc");
  if (all == nullptr) return true;
  bool found = false;
  while (const dirent* entry = readdir(all)) {
    const auto pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
    if (pid > 0 && pid != leader && getpgid(pid) == leader) found = true;
  }
  closedir(all);
  return found;
}

struct Pipe {
  FileHandle read, write;
};

// Both ends above 2, so that setting up the child's three streams cannot
// overwrite one of them; closed in every program this process starts.
StatusOr<Pipe> MakePipe(std::string_view program) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return StartError(program, "creating a pipe", errno);
  Pipe made{FileHandle(ends[0]), FileHandle(ends[1])};
  for (FileHandle* end : {&made.read, &made.write}) {
    if (end->fd() > STDERR_FILENO) continue;
    FileHandle moved(fcntl(end->fd(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!moved.valid()) return StartError(program, "creating a pipe", errno);
    *end = std::move(moved);
  }
  return made;
}

bool SetNonBlocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

// Keeps SIGPIPE from this thread while it writes, and takes back the one such
// a write may have raised. The disposition of the process is not touched.
class SigpipeGuard {
 public:
  SigpipeGuard() {
    sigset_t pending;
    sigemptyset(&pending);
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    sigemptyset(&set_);
    sigaddset(&set_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set_, &old_);
  }
  SigpipeGuard(const SigpipeGuard&) = delete;
  SigpipeGuard& operator=(const SigpipeGuard&) = delete;
  ~SigpipeGuard() {
    constexpr timespec kNow{.tv_sec = 0, .tv_nsec = 0};
    while (!was_pending_ && sigtimedwait(&set_, nullptr, &kNow) < 0 && errno == EINTR) {
    }
    pthread_sigmask(SIG_SETMASK, &old_, nullptr);
  }

 private:
  sigset_t set_, old_;
  bool was_pending_ = false;
};

constexpr int kBusyTries = 50;
constexpr auto kBusyPause = std::chrono::milliseconds(10);

// Owns the two attribute objects of posix_spawn.
class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }

  // An error number, 0 = fine.
  int Fill(const std::string& cwd, int in, int out, int err) {
    // Whatever this process blocks or ignores is its own business.
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    const int results[] = {
        posix_spawnattr_setsigmask(&attributes_, &none),
        posix_spawnattr_setsigdefault(&attributes_, &all),
        posix_spawnattr_setflags(
            &attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF),
        posix_spawn_file_actions_adddup2(&actions_, in, STDIN_FILENO),
        posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO),
        posix_spawn_file_actions_adddup2(&actions_, err, STDERR_FILENO),
        posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1),
        cwd.empty() ? 0 : posix_spawn_file_actions_addchdir_np(&actions_, cwd.c_str()),
    };
    for (const int result : results) {
      if (result != 0) return result;
    }
    return 0;
  }

  int Spawn(pid_t* pid, std::vector<std::string> argv, std::vector<std::string> env) const {
    const auto pointers = [](std::vector<std::string>& texts) {
      std::vector<char*> out;
      for (std::string& text : texts) out.push_back(text.data());
      out.push_back(nullptr);
      return out;
    };
    const std::vector<char*> words = pointers(argv), variables = pointers(env);
    // A program that is being written in this instant: an agent renews itself, or a process that
    // was forked while somebody wrote it has not yet executed.
    for (int tries = 0;; ++tries) {
      const int result = posix_spawn(pid, argv[0].c_str(), &actions_, &attributes_, words.data(),
                                     variables.data());
      if (result != ETXTBSY || tries == kBusyTries) return result;
      std::this_thread::sleep_for(kBusyPause);
    }
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

// One output of the child: keeps the first `limit` bytes, reads all.
struct Output {
  FileHandle pipe;
  size_t limit = 0;
  std::string text;
  bool cut = false;

  // Reads what is there; true if there was something.
  bool Pump() {
    bool any = false;
    char block[kBlock];
    // Bounded: a child that writes without end must not keep us from the clock.
    for (int turn = 0; turn < kBlocksPerTurn && pipe.valid(); ++turn) {
      const ssize_t n = read(pipe.fd(), block, sizeof block);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
      if (n <= 0) {
        pipe.Close();
        break;
      }
      any = true;
      const size_t size = static_cast<size_t>(n);
      const size_t kept = std::min(size, limit - std::min(limit, text.size()));
      text.append(block, kept);
      if (kept < size) cut = true;
      if (size < sizeof block) break;  // empty by now
    }
    return any;
  }
};

class ChildRun {
 public:
  explicit ChildRun(const ProcessOptions& options) : options_(options) {}

  Status Start();
  ProcessResult Wait();

 private:
  void PollOnce();
  void WriteInput();
  void CheckExit();
  void CheckLimits();
  void SignalGroup(int signal) const { kill(-pid_, signal); }
  void EndHelpers() const;
  void Reap();
  [[nodiscard]] bool Ending() const { return result_.timed_out || result_.cancelled; }
  [[nodiscard]] bool Drained(Steady::time_point now) const;
  [[nodiscard]] int PollTimeout() const;

  const ProcessOptions& options_;
  pid_t pid_ = -1;
  FileHandle pidfd_;
  FileHandle input_;
  size_t written_ = 0;
  Output out_, err_;
  ProcessResult result_;
  Steady::time_point started_, deadline_, kill_at_;
  Steady::time_point last_output_;  // or the exit, whichever is later
  bool exited_ = false;             // but not reaped: the pid is still ours
  bool killed_ = false;
};

Status ChildRun::Start() {
  const std::string& program = options_.argv[0];
  ST_ASSIGN_OR_RETURN(Pipe in, MakePipe(program));
  ST_ASSIGN_OR_RETURN(Pipe out, MakePipe(program));
  ST_ASSIGN_OR_RETURN(Pipe err, MakePipe(program));
  if (!SetNonBlocking(in.write.fd()) || !SetNonBlocking(out.read.fd()) ||
      !SetNonBlocking(err.read.fd())) {
    return StartError(program, "preparing a pipe", errno);
  }
  SpawnPlan plan;
  if (const int error = plan.Fill(options_.cwd, in.read.fd(), out.write.fd(), err.write.fd())) {
    return StartError(program, "preparing", error);
  }
  std::vector<std::string> env;
  for (const auto& [name, value] : options_.env) env.push_back(name + "=" + value);
  started_ = Steady::now();
  if (const int error = plan.Spawn(&pid_, options_.argv, std::move(env))) {
    return StartError(program, options_.cwd.empty() ? "executing" : "executing in " + options_.cwd,
                      error);
  }
  deadline_ = started_ + std::clamp(options_.timeout, milliseconds(0), kLongest);
  last_output_ = started_;
#if defined(SYS_pidfd_open)
  pidfd_ = FileHandle(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
#endif
  input_ = std::move(in.write);
  out_.pipe = std::move(out.read);
  out_.limit = options_.max_stdout;
  err_.pipe = std::move(err.read);
  err_.limit = options_.max_stderr;
  return absl::OkStatus();
}

ProcessResult ChildRun::Wait() {
  WriteInput();  // nothing to write closes it
  while (!(exited_ && Drained(Steady::now()))) {
    PollOnce();
    CheckExit();
    CheckLimits();
  }
  EndHelpers();
  out_.Pump();
  err_.Pump();
  Reap();
  result_.stdout_cut = out_.cut;
  result_.stdout_text = std::move(out_.text);
  result_.stderr_text = std::move(err_.text);
  result_.duration = std::chrono::duration_cast<milliseconds>(Steady::now() - started_);
  return std::move(result_);
}

// The unreaped child keeps its process group id from being used again. Helpers
// it left behind are told to end, and have to soon; after a timeout at once.
void ChildRun::EndHelpers() const {
  if (!Ending()) {
    SignalGroup(SIGTERM);
    const auto until = Steady::now() + std::min(options_.kill_grace, kHelperGrace);
    while (GroupHasOthers(pid_) && Steady::now() < until) {
      std::this_thread::sleep_for(kExitInterval);
    }
  }
  SignalGroup(SIGKILL);
}

int ChildRun::PollTimeout() const {
  const auto now = Steady::now();
  auto wait = pidfd_.valid() || exited_ ? kCancelInterval : kExitInterval;
  const auto until = [&](Steady::time_point then) {
    const auto left = std::chrono::ceil<milliseconds>(then - now);
    wait = std::clamp(left, milliseconds(0), wait);
  };
  if (!exited_ && !Ending()) until(deadline_);
  if (!exited_ && Ending() && !killed_) until(kill_at_);
  if (exited_) until(last_output_ + kDrainQuiet);
  return static_cast<int>(wait.count());
}

void ChildRun::PollOnce() {
  // Negative descriptors are ignored by poll.
  pollfd fds[] = {
      {.fd = input_.fd(), .events = POLLOUT, .revents = 0},
      {.fd = out_.pipe.fd(), .events = POLLIN, .revents = 0},
      {.fd = err_.pipe.fd(), .events = POLLIN, .revents = 0},
      {.fd = exited_ ? -1 : pidfd_.fd(), .events = POLLIN, .revents = 0},
  };
  if (poll(fds, std::size(fds), PollTimeout()) <= 0) return;
  if (fds[0].revents != 0) WriteInput();
  const bool out = fds[1].revents != 0 && out_.Pump();
  const bool err = fds[2].revents != 0 && err_.Pump();
  if (out || err) last_output_ = Steady::now();
}

void ChildRun::WriteInput() {
  const std::string_view text = options_.stdin_text;
  const SigpipeGuard guard;
  while (input_.valid() && written_ < text.size()) {
    const ssize_t n = write(input_.fd(), text.data() + written_, text.size() - written_);
    if (n >= 0) {
      written_ += static_cast<size_t>(n);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return;
    } else if (errno != EINTR) {
      break;  // EPIPE: the child does not want the rest, which is its right
    }
  }
  input_.Close();
}

void ChildRun::CheckExit() {
  if (exited_) return;
  siginfo_t info{};
  const int result = waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
  // ECHILD: the host program ignores SIGCHLD or took the status.
  if ((result == 0 && info.si_pid == pid_) || (result != 0 && errno == ECHILD)) {
    exited_ = true;
    last_output_ = Steady::now();
    input_.Close();
  }
}

void ChildRun::CheckLimits() {
  if (exited_) return;
  const auto now = Steady::now();
  if (!Ending()) {
    if (options_.cancel != nullptr && options_.cancel->requested()) {
      result_.cancelled = true;
    } else if (now >= deadline_) {
      result_.timed_out = true;
    } else {
      return;
    }
    SignalGroup(SIGTERM);
    // A stopped process would sleep through its SIGTERM.
    SignalGroup(SIGCONT);
    kill_at_ = now + std::clamp(options_.kill_grace, milliseconds(0), kLongest);
  }
  if (!killed_ && now >= kill_at_) {
    SignalGroup(SIGKILL);
    killed_ = true;
  }
}

bool ChildRun::Drained(Steady::time_point now) const {
  if (!out_.pipe.valid() && !err_.pipe.valid()) return true;
  // A helper holds the pipes: what it still says belongs to the run, but it
  // cannot keep us beyond the deadline.
  const bool quiet = now - last_output_ >= kDrainQuiet;
  return quiet || (!Ending() ? now >= deadline_ : killed_ || now >= kill_at_);
}

void ChildRun::Reap() {
  int status = 0;
  pid_t reaped;
  do {
    reaped = waitpid(pid_, &status, 0);
  } while (reaped < 0 && errno == EINTR);
  if (reaped != pid_) return;
  if (WIFEXITED(status)) result_.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result_.signal = WTERMSIG(status);
}

Status CheckOptions(const ProcessOptions& options) {
  if (options.argv.empty() || !options.argv[0].starts_with('/')) {
    return Fail(kProcessFailed, "starting a program: expected an absolute path, found \"{}\"",
                options.argv.empty() ? std::string() : options.argv[0]);
  }
  const auto has_nul = [](std::string_view text) {
    return text.find('\0') != std::string_view::npos;
  };
  bool bad = has_nul(options.cwd) || std::any_of(options.argv.begin(), options.argv.end(), has_nul);
  for (const auto& [name, value] : options.env) bad = bad || has_nul(name) || has_nul(value);
  if (!bad) return absl::OkStatus();
  return Fail(kProcessFailed, "starting {}: an argument contains a NUL byte", options.argv[0]);
}

}  // namespace

StatusOr<ProcessResult> RunProcess(const ProcessOptions& options) {
  ST_RETURN_IF_ERROR(CheckOptions(options));
  if (options.cancel != nullptr && options.cancel->requested()) {
    ProcessResult never_started;
    never_started.cancelled = true;
    return never_started;
  }
  ChildRun run(options);
  ST_RETURN_IF_ERROR(run.Start());
  return run.Wait();
}

}  // namespace selftune::base
