// dashboard: becomes the server program, which prints where it listens.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

constexpr std::string_view kSchema = "selftune/dashboard@1";

constexpr Flag kFlags[] = {
    {"port", "listen here; without it 3141, or any free port", FlagType::kInt, "n", 0, {}, "-"},
    {"restart", "end the one that runs and start anew", FlagType::kSwitch, {}, 0, {}, "-"},
    {"no-open", "only print the link", FlagType::kSwitch, {}, 0, {}, "-"},
    {"idle-exit", "end when nobody asked for so long: 30m", FlagType::kText, "time", 0, {}, "-"},
    {"read-only", "never write, whatever is clicked", FlagType::kSwitch, {}, 0, {}, "-"},
    {"web-dir", "serve the page from this folder", FlagType::kText, "dir", 0, {}, "-", true},
    {"max-streams", "event streams at the same time", FlagType::kInt, "n", 0, {}, "-", true},
    {"allow-root", "run as root", FlagType::kSwitch, {}, 0, {}, "-", true},
};
// Of those that every command takes, what the server understands.
constexpr std::string_view kPassedOn[] = {"home", "db", "json", "text"};

constexpr Example kExamples[] = {
    {"selftune dashboard", "start it, or open the one that runs"},
    {"selftune dashboard --no-open --idle-exit 30m", "print the link, end when it is not used"},
};

// Folder of this program, following links; "" when the system does not say.
std::string OwnFolder() {
  char path[4096];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof path);
  if (size <= 0 || size == sizeof path) return "";
  const std::string_view whole(path, static_cast<size_t>(size));
  return std::string(whole.substr(0, whole.rfind('/')));
}

// Installed as bin/selftune and libexec/selftune/selftune-dashboard; beside each
// other in a build folder.
std::string FindServer() {
  const std::string folder = OwnFolder();
  for (const char* const place : {"/../libexec/selftune/selftune-dashboard",
                                  "/../dashboard/selftune-dashboard", "/selftune-dashboard"}) {
    std::string path = folder + place;
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return "";
}

std::vector<std::string> ServerArguments(const Args& args) {
  std::vector<std::string> out = {"selftune-dashboard"};
  for (const Flag& flag : kFlags) {
    if (!args.Has(flag.name)) continue;
    out.push_back("--" + std::string(flag.name));
    if (flag.type != FlagType::kSwitch) out.push_back(args.Get(flag.name).value_or(""));
  }
  for (const std::string_view name : kPassedOn) {
    if (!args.Has(name)) continue;
    out.push_back("--" + std::string(name));
    if (name == "home" || name == "db") out.push_back(args.Get(name).value_or(""));
  }
  return out;
}

int RunDashboard(const Invocation& invocation) {
  const std::string server = FindServer();
  Failure failure;
  if (server.empty()) {
    failure.code = "DASHBOARD_MISSING";
    failure.message = "selftune-dashboard is not installed beside this program";
    failure.suggestion = "install selftune with the dashboard";
    failure.exit_code = 5;
    return FinishFailure(invocation, "dashboard", kSchema, failure);
  }
  std::vector<std::string> words = ServerArguments(invocation.args);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execv(server.c_str(), argv.data());
  failure.code = "PROCESS_FAILED";
  failure.message = "starting " + OneLine(server) + ": " + std::strerror(errno);
  return FinishFailure(invocation, "dashboard", kSchema, failure);
}

}  // namespace

extern const Command kDashboardCommand = {
    .path = "dashboard",
    .summary = "Serve the dashboard on this machine and open it",
    .group = "See",
    .flags = kFlags,
    .examples = kExamples,
    .run = RunDashboard,
};

}  // namespace selftune::cli
