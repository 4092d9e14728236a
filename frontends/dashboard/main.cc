// selftune-dashboard: serves the page and the interface behind it.
#include <malloc.h>
#include <sodium.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>

#include "cli/json.h"
#include "dashboard/app.h"
#include "dashboard/launch.h"
#include "dashboard/loopback.h"
#include "dashboard/options.h"
#include "dashboard/replies.h"
#include "dashboard/report.h"

namespace selftune::dashboard {
namespace {

constexpr size_t kOrdinaryConnections = 48;  // beside the streams
constexpr std::chrono::milliseconds kOpenerTime{1000};

// The workers take turns more than they run together: two heaps are enough, and
// each more keeps megabytes that nobody uses.
void KeepFewHeaps() {
#ifdef M_ARENA_MAX
  mallopt(M_ARENA_MAX, 2);
#endif
}

// Each connection is a descriptor; the usual soft limit is 1024.
void RaiseDescriptorLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

// The state folder, from the library, which has the rule for it.
std::string StateDir(const Library& library) {
  const LibraryReply reply = library.Ask("about.version", "{}");
  if (reply.kind != SELFTUNE_OK) return "";
  const auto data = cli::Json::Parse(RawMember(reply.json, "data").value_or("null"));
  return data.value_or(cli::Json())["state_dir"].Text();
}

// Sockets of the service manager, else the port asked for, else any.
Listening Listen(const Options& options, std::vector<Warning>* warnings) {
  if (std::optional<Listening> inherited = InheritedSockets()) return *std::move(inherited);
  Listening sockets = ListenOnLoopback(options.port);
  if (!sockets.taken || options.port_given) return sockets;
  Listening other = ListenOnLoopback(0);
  if (other.error.empty()) {
    warnings->push_back({"PORT_TAKEN", "port " + std::to_string(options.port) +
                                           " is in use by another program; this is port " +
                                           std::to_string(other.port)});
  }
  return other;
}

// `serving`: this process lives on and sees how the program that opens the
// browser ends; else it waits for that a moment.
void Open(const Options& options, const std::string& run, std::string_view code, bool serving,
          Started* started) {
  if (!options.open_browser) return;
  const Opener opener = OpenBrowser(run, started->port, code);
  std::string error = opener.error;
  if (error.empty() && serving) {
    WatchOpener(opener.process);
  } else if (error.empty()) {
    error = WaitForOpener(opener.process, kOpenerTime);
  }
  if (!error.empty()) {
    started->warnings.push_back({"BROWSER_NOT_OPENED", "open the link yourself: " + error});
  }
}

int Reuse(const Options& options, const std::string& run, const Running& running, bool json) {
  Started started = {.url = LinkTo(running.file.port, running.code),
                     .port = running.file.port,
                     .pid = running.file.pid,
                     .reused = true,
                     .version = running.file.version,
                     .warnings = {}};
  if (options.port_given && options.port != started.port) {
    started.warnings.push_back({"OTHER_PORT", "it listens on port " + std::to_string(started.port) +
                                                  "; --restart moves it"});
  }
  if (options.read_only || !options.web_dir.empty() || options.idle_exit.count() > 0) {
    started.warnings.push_back(
        {"FLAGS_IGNORED",
         "it runs already, with the flags it was started with; --restart applies new ones"});
  }
  Open(options, run, running.code, /*serving=*/false, &started);
  return ReportStarted(started, json);
}

int Serve(const Options& options, const std::string& state_dir, Library& library, bool json) {
  const std::string run = state_dir + "/run";
  std::vector<Warning> warnings;
  Listening sockets = Listen(options, &warnings);
  if (!sockets.error.empty()) {
    return ReportFailure({.code = sockets.taken ? "PORT_TAKEN" : "LISTEN_FAILED",
                          .message = sockets.error,
                          .suggestion = sockets.taken ? "leave --port away or choose another" : "",
                          .exit_code = sockets.taken ? 7 : 1},
                         json);
  }
  AppOptions app_options;
  app_options.self = ThisProcess(Library::version());
  app_options.self.port = sockets.port;
  app_options.self.instance = RandomHex(16);
  app_options.web_dir = options.web_dir;
  app_options.state_dir = state_dir;
  app_options.read_only = options.read_only;
  app_options.limits.streams = options.max_streams;
  app_options.limits.connections = options.max_streams + kOrdinaryConnections;
  app_options.idle_exit = options.idle_exit;
  App app(app_options, library, std::move(sockets.sockets));

  InstanceFile self = app_options.self;
  self.token = app.token();
  if (const std::string error = WriteInstance(run, self); !error.empty()) {
    return ReportFailure(
        {.code = "WRITE_FAILED", .message = error, .suggestion = "", .exit_code = 1}, json);
  }
  const std::string code = app.MintCode();
  Started started = {.url = LinkTo(self.port, code),
                     .port = self.port,
                     .pid = self.pid,
                     .reused = false,
                     .version = self.version,
                     .warnings = std::move(warnings)};
  Open(options, run, code, /*serving=*/true, &started);
  (void)ReportStarted(started, json);  // nobody may be reading
  const std::string error = app.Run();
  RemoveInstance(run, self.instance);
  return error.empty() ? 0 : ReportFailure(FailureOf(error), json);
}

int Main(int argc, char** argv) {
  const ParsedOptions parsed = ParseOptions(argc, argv);
  const Options& options = parsed.options;
  const bool json = WantsJson(options.json, options.text);
  if (!parsed.error.empty()) {
    return ReportFailure({.code = "INVALID_FLAG",
                          .message = parsed.error,
                          .suggestion = "see its help",
                          .exit_code = 64,
                          .next_argv = {"selftune", "dashboard", "--help"}},
                         json);
  }
  if (options.help) {
    std::fwrite(HelpText().data(), 1, HelpText().size(), stdout);
    return 0;
  }
  if (geteuid() == 0 && !options.allow_root) {
    return ReportFailure({.code = "ROOT_REFUSED",
                          .message = "the dashboard does not run as root",
                          .suggestion = "run it as yourself, or add --allow-root",
                          .exit_code = 2},
                         json);
  }
  if (sodium_init() < 0) {
    return ReportFailure({.code = "INTERNAL",
                          .message = "no source of random numbers",
                          .suggestion = "",
                          .exit_code = 70},
                         json);
  }
  RaiseDescriptorLimit();
  KeepFewHeaps();
  std::signal(SIGPIPE, SIG_IGN);  // whoever started us need not read what we print
  std::string error;
  const std::unique_ptr<Library> library = Library::Open(
      {.home = options.home, .db = options.db, .read_only = options.read_only}, &error);
  if (library == nullptr) return ReportFailure(FailureOf(error), json);
  const std::string state_dir = StateDir(*library);
  const std::string run = state_dir + "/run";
  if (const std::string problem = PrepareRunFolder(run); !problem.empty()) {
    return ReportFailure(
        {.code = "WRITE_FAILED", .message = problem, .suggestion = "", .exit_code = 1}, json);
  }
  InstanceLock lock;
  const LaunchDecision decision = DecideLaunch(lock, run, Library::version(), options.restart);
  if (decision.failure.has_value()) return ReportFailure(*decision.failure, json);
  if (decision.reuse.has_value()) return Reuse(options, run, *decision.reuse, json);
  return Serve(options, state_dir, *library, json);
}

}  // namespace
}  // namespace selftune::dashboard

int main(int argc, char** argv) {
  try {
    return selftune::dashboard::Main(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "selftune: INTERNAL: %s\n", e.what());
    return 70;
  }
}
