// What to do about a dashboard that runs already for this state folder
// (dashboard B2), and opening the browser.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "dashboard/instance.h"
#include "dashboard/report.h"

namespace selftune::dashboard {

// Reached and sure that it is the one that the file names.
struct Running {
  InstanceFile file;
  std::string code;  // a new one, for the browser
};

struct LaunchDecision {
  // Exactly one of them, or none: this process holds the lock and serves.
  std::optional<Running> reuse;
  std::optional<Failure> failure;
};

// Takes the lock, or finds out who holds it and uses or ends that one.
[[nodiscard]] LaunchDecision DecideLaunch(InstanceLock& lock, const std::string& run,
                                          std::string_view version, bool restart);

[[nodiscard]] std::string LinkTo(int port, std::string_view code);

// A file's address, whatever its name holds.
[[nodiscard]] std::string FileUrl(std::string_view path);

// The program that opens the browser.
struct Opener {
  int process = 0;
  std::string error;  // it did not start
};
// Shows it the link by a file that only this user can read: arguments of
// processes are visible to everybody.
[[nodiscard]] Opener OpenBrowser(const std::string& run, int port, std::string_view code);
// Waits for its end, at most so long: "" when it is well or still at work.
[[nodiscard]] std::string WaitForOpener(int process, std::chrono::milliseconds most);
// The same for as long as this process lives, on a thread; a failure is a line
// on stderr.
void WatchOpener(int process);

}  // namespace selftune::dashboard
