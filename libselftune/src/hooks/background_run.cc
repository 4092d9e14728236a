#include "hooks/background_run.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace selftune::hooks {
namespace {

constexpr int kNice = 10;
constexpr int kLowPercent = 20;

// A small file of the system, without the end of its line; "" without one.
std::string ReadWord(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return "";
  char buffer[64];
  const ssize_t got = read(fd, buffer, sizeof buffer);
  close(fd);
  const std::string_view text(buffer, got > 0 ? static_cast<size_t>(got) : 0);
  return std::string(text.substr(0, text.find('\n')));
}

// What `run` works with, made before the fork: after it nothing may be allocated.
class Start {
 public:
  Start(const BackgroundRun& run, const char* const* env) : run_(run) {
    words_ = {"selftune", "orchestrate", "--reactive", "--max-skills", "2", "--json"};
    if (run.review) words_.emplace_back("--review-required");
    for (const char* const* entry = env; entry != nullptr && *entry != nullptr; ++entry) {
      Set(*entry);
    }
    // Agents that it asks are not what hooks are to hear of.
    Set("SELFTUNE_INTERNAL=1");
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
      if (!IsSet(*entry)) variables_.emplace_back(*entry);
    }
    argv_ = Pointers(words_);
    envp_ = Pointers(variables_);
  }

  // In the child, `null` and `log` open. Only what a signal handler may call, since
  // other threads of the host are gone in the middle of whatever they did.
  [[noreturn]] void Become(int null, int log) const {
    struct sigaction usual = {};
    usual.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) sigaction(number, &usual, nullptr);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    errno = 0;
    const bool ready = dup2(null, STDIN_FILENO) >= 0 && dup2(log, STDOUT_FILENO) >= 0 &&
                       dup2(log, STDERR_FILENO) >= 0 && chdir(run_.state_dir.c_str()) == 0 &&
                       (nice(kNice) != -1 || errno == 0);
    if (ready) {
      closefrom(STDERR_FILENO + 1);
      execve(run_.program.c_str(), argv_.data(), envp_.data());
    }
    _exit(127);  // a program that is not there any more
  }

 private:
  static std::vector<char*> Pointers(std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (std::string& text : texts) out.push_back(text.data());
    out.push_back(nullptr);
    return out;
  }

  static std::string_view NameOf(std::string_view entry) {
    return entry.substr(0, entry.find('='));
  }

  [[nodiscard]] bool IsSet(std::string_view entry) const {
    return std::any_of(variables_.begin(), variables_.begin() + set_,
                       [&](const auto& other) { return NameOf(other) == NameOf(entry); });
  }

  void Set(const char* entry) {
    std::erase_if(variables_, [&](const auto& other) { return NameOf(other) == NameOf(entry); });
    variables_.emplace_back(entry);
    set_ = static_cast<std::ptrdiff_t>(variables_.size());
  }

  const BackgroundRun& run_;
  std::vector<std::string> words_, variables_;
  std::ptrdiff_t set_ = 0;  // so many of the variables replace those of the process
  std::vector<char*> argv_, envp_;
};

// -1: it cannot be kept.
int OpenLog(const std::string& state_dir) {
  const std::string path = RunLogPath(state_dir);
  mkdir((state_dir + "/logs").c_str(), 0700);
  struct stat info;
  if (lstat(path.c_str(), &info) == 0 && info.st_size >= kMaxRunLog) {
    for (int i = kRunLogs - 1; i > 0; --i) {
      const std::string from = i == 1 ? path : path + '.' + std::to_string(i - 1);
      rename(from.c_str(), (path + '.' + std::to_string(i)).c_str());  // or it is not there yet
    }
  }
  return open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
              0600);
}

}  // namespace

std::string RunLogPath(std::string_view state_dir) {
  return std::string(state_dir) + "/logs/reactive.log";
}

bool BatteryIsLow(const char* supplies) {
  DIR* const dir = opendir(supplies);
  if (dir == nullptr) return false;
  bool discharging = false, other_power = false;
  int fullest = -1;
  while (const dirent* const entry = readdir(dir)) {
    if (entry->d_name[0] == '.') continue;
    const std::string in = std::string(supplies) + '/' + entry->d_name + '/';
    const std::string type = ReadWord(in + "type");
    if (type != "Battery") {
      other_power = other_power || ReadWord(in + "online") == "1";
      continue;
    }
    if (ReadWord(in + "scope") == "Device") continue;  // of a mouse
    const std::string percent = ReadWord(in + "capacity");
    int charge = -1;
    std::from_chars(percent.data(), percent.data() + percent.size(), charge);
    fullest = std::max(fullest, charge);
    discharging = discharging || ReadWord(in + "status") == "Discharging";
  }
  closedir(dir);
  return discharging && !other_power && fullest >= 0 && fullest < kLowPercent;
}

void StartInBackground(const BackgroundRun& run, const char* const* env) {
  const Start start(run, env);
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return;
  const int log = OpenLog(run.state_dir);
  // Twice, so that it is the system's child: the agent does not wait for it, and a
  // host that lives long keeps no dead process.
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    const pid_t grandchild = fork();
    if (grandchild == 0) start.Become(null, log < 0 ? null : log);
    _exit(grandchild < 0 ? 1 : 0);
  }
  if (log >= 0) close(log);
  close(null);
  while (child > 0 && waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace selftune::hooks
