// Another program run in the place of this one: its input, errors, signals and exit
// status as if it had been started alone, its output seen on the way.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace selftune::cli {

struct TeeEnd {
  bool started = false;
  int status = 0;  // of waitpid(2)
};

// Runs `argv` (the first word is looked for on PATH) until it ends. Every byte of its
// standard output is written to ours before `seen` hears of it; who reads ours may
// leave, then the program learns of it as it would alone. A signal that is sent to us
// alone is passed on; one from the terminal reaches both.
[[nodiscard]] TeeEnd RunTee(const std::vector<std::string>& argv,
                            const std::function<void(std::string_view)>& seen);

// Ends this process the way a program with that status ended. Returns the exit code
// where there was no signal.
[[nodiscard]] int EndLike(int status);

}  // namespace selftune::cli
