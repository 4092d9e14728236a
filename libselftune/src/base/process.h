// Runs a child program without a shell: own process group, closed descriptors,
// prompt on stdin, both outputs drained at the same time, deadline enforced on
// the whole group.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"

namespace selftune::base {

struct ProcessOptions {
  std::vector<std::string> argv;                        // argv[0] is an absolute path
  std::map<std::string, std::string, std::less<>> env;  // the whole environment
  std::string cwd;                                      // "" = inherit
  std::string stdin_text;                               // written, then closed
  std::chrono::milliseconds timeout{60'000};
  std::chrono::milliseconds kill_grace{10'000};  // SIGTERM to SIGKILL
  size_t max_stdout = 8 << 20;                   // bytes kept; the rest is read and dropped
  size_t max_stderr = 256 << 10;
  const Cancel* cancel = nullptr;
};

struct ProcessResult {
  int exit_code = -1;  // -1 when killed by a signal
  int signal = 0;
  bool timed_out = false;
  bool cancelled = false;
  bool stdout_cut = false;
  std::string stdout_text;
  std::string stderr_text;
  std::chrono::milliseconds duration{0};
};

// Fails only when the child could not be started (PROCESS_FAILED); how it
// ended is in the result. Helpers it leaves in its group get SIGTERM once it
// has exited and their output is quiet (0.5 s), and SIGKILL a second later;
// after a timeout or a cancel all of the group is killed at once. Already
// cancelled: nothing is started.
[[nodiscard]] StatusOr<ProcessResult> RunProcess(const ProcessOptions& options);

}  // namespace selftune::base
