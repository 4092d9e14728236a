#include "dashboard/launch.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

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

// It answers by the token of the file and says that it is that instance.
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
  (void)AskDashboard(file.port, "POST", "/api/v2/shutdown", file.token, "{}", kAnswerTime);
  const InstanceLock::Result result = lock.Wait(run, kEndTime);
  if (result != InstanceLock::Result::kHeld || !Terminate(file)) return result;
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

std::string OpenBrowser(const std::string& run, const std::string& url) {
  const std::string path = run + "/open.html";
  const std::string page =
      "<!doctype html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\">"
      "<title>selftune</title><meta http-equiv=\"refresh\" content=\"0;url=" +
      url + "\"><a href=\"" + url + "\">dashboard</a>\n";
  if (std::string error = WritePrivateFile(path, page); !error.empty()) return error;
  std::string target = "file://" + path;
#ifdef __APPLE__
  std::string command = "open";
#else
  std::string command = "xdg-open";
#endif
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
  if (error != 0) return command + ": " + std::strerror(error);
  std::thread([child] { waitpid(child, nullptr, 0); }).detach();
  return "";
}

}  // namespace selftune::dashboard
