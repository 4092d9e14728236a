#include "dashboard/launch.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <thread>

#include "cli/json.h"
#include "dashboard/loopback.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): only glibc declares it

namespace selftune::dashboard {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kAnswerTime{1000};
constexpr milliseconds kStartTime{5000};  // another one may have begun just now
constexpr milliseconds kEndTime{5000};
constexpr milliseconds kLookAgain{50};
#ifdef __APPLE__
constexpr std::string_view kOpener = "open";
#else
constexpr std::string_view kOpener = "xdg-open";
#endif

// "" or what the program that opens the browser came to.
std::string HowItEnded(int status) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
  return std::string(kOpener) + (WIFEXITED(status)
                                     ? " ended with " + std::to_string(WEXITSTATUS(status))
                                     : " was ended by signal " + std::to_string(WTERMSIG(status)));
}

// It proves that it knows the token of the file and says that it is that instance.
bool Answers(const InstanceFile& file) {
  const auto answer =
      AskDashboard(file.port, "GET", "/api/v3/instance", file.token, "", kAnswerTime);
  if (!answer.has_value() || answer->status != 200) return false;
  const cli::Json body = cli::Json::Parse(answer->body).value_or(cli::Json());
  return body["instance"].Text() == file.instance && body["pid"].Int() == file.pid;
}

std::string NewCode(const InstanceFile& file) {
  const auto answer =
      AskDashboard(file.port, "POST", "/api/v3/instance/code", file.token, "{}", kAnswerTime);
  if (!answer.has_value() || answer->status != 200) return "";
  return cli::Json::Parse(answer->body).value_or(cli::Json())["code"].Text();
}

Failure Held(std::string message, std::string suggestion) {
  return {.code = "LOCK_HELD",
          .message = std::move(message),
          .suggestion = std::move(suggestion),
          .exit_code = 7};
}

// Asks it to end, then ends that process and no other.
InstanceLock::Result EndOther(InstanceLock& lock, const std::string& run,
                              const InstanceFile& file) {
  const auto said =
      AskDashboard(file.port, "POST", "/api/v2/shutdown", file.token, "{}", kAnswerTime);
  if (said.has_value() && said->status == 202) {
    const InstanceLock::Result result = lock.Wait(run, kEndTime);
    if (result != InstanceLock::Result::kHeld) return result;
  }
  if (!Terminate(file)) return lock.Try(run);
  return lock.Wait(run, kEndTime);
}

LaunchDecision Replace(InstanceLock& lock, const std::string& run, const InstanceFile& file) {
  if (EndOther(lock, run, file) == InstanceLock::Result::kTaken) return {};
  return {.failure =
              Held("the dashboard with process id " + std::to_string(file.pid) + " does not end",
                   "end it, then try again")};
}

}  // namespace

LaunchDecision DecideLaunch(InstanceLock& lock, const std::string& run, std::string_view version,
                            bool restart) {
  const auto end = steady_clock::now() + kStartTime;
  std::optional<InstanceFile> file;
  do {
    const InstanceLock::Result result = lock.Try(run);
    if (result == InstanceLock::Result::kTaken) return {};
    if (result == InstanceLock::Result::kFailed) {
      return {.failure =
                  Failure{.code = "WRITE_FAILED",
                          .message = "locking " + run + "/dashboard.lock: " + std::strerror(errno),
                          .suggestion = "",
                          .exit_code = 1}};
    }
    file = ReadInstance(run);
    if (file.has_value() && IsRunning(*file)) {
      if (restart || file->version != version) return Replace(lock, run, *file);
      if (Answers(*file)) {
        std::string code = NewCode(*file);
        if (!code.empty())
          return {.reuse = Running{*std::move(file), std::move(code)}, .failure = {}};
      }
    }
    std::this_thread::sleep_for(kLookAgain);
  } while (steady_clock::now() < end);
  if (file.has_value() && IsRunning(*file)) {
    return {.failure = Held(
                "the dashboard with process id " + std::to_string(file->pid) + " does not answer",
                "selftune dashboard --restart")};
  }
  return {.failure = Held("another process holds " + run + "/dashboard.lock",
                          "wait for it to end, then try again")};
}

std::string LinkTo(int port, std::string_view code) {
  return "http://127.0.0.1:" + std::to_string(port) + "/#t=" + std::string(code);
}

std::string FileUrl(std::string_view path) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out = "file://";
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("/-._~").find(c) != std::string_view::npos;
    if (plain) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

Opener OpenBrowser(const std::string& run, int port, std::string_view code) {
  const std::string url = LinkTo(port, code);
  const std::string path = run + "/" + LinkFileName(code);
  const std::string page =
      "<!doctype html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\">"
      "<title>selftune</title><meta http-equiv=\"refresh\" content=\"0;url=" +
      url + "\"><a href=\"" + url + "\">dashboard</a>\n";
  if (std::string error = WritePrivateFile(path, page); !error.empty()) return {0, error};
  std::string target = FileUrl(path);
  std::string command(kOpener);
  char* argv[] = {command.data(), target.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
  }
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t usual;
  sigemptyset(&usual);
  sigaddset(&usual, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &usual);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  pid_t child = 0;
  const int error = posix_spawnp(&child, command.c_str(), &actions, &attributes, argv, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return {0, command + ": " + std::strerror(error)};
  return {child, ""};
}

std::string WaitForOpener(int process, milliseconds most) {
  const auto end = steady_clock::now() + most;
  for (;;) {
    int status = 0;
    const pid_t ended = waitpid(process, &status, WNOHANG);
    if (ended == process) return HowItEnded(status);
    if (ended < 0 || steady_clock::now() >= end) return "";
    std::this_thread::sleep_for(kLookAgain);
  }
}

void WatchOpener(int process) {
  std::thread([process] {
    int status = 0;
    pid_t ended = -1;
    while ((ended = waitpid(process, &status, 0)) < 0 && errno == EINTR) {
    }
    const std::string problem = ended == process ? HowItEnded(status) : "";
    if (!problem.empty()) {
      std::fprintf(stderr, "selftune: BROWSER_NOT_OPENED: open the link yourself: %s\n",
                   problem.c_str());
    }
  }).detach();
}

}  // namespace selftune::dashboard
