// What the program prints: an envelope, or text on a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace selftune::dashboard {

struct Warning {
  std::string code;
  std::string message;
};

struct Started {
  std::string url;  // with the code, good once
  int port = 0;
  int pid = 0;
  bool reused = false;
  std::string version;
  std::vector<Warning> warnings;
};

struct Failure {
  std::string code;
  std::string message;
  std::string suggestion;  // "" = that of the code
  int exit_code = 1;
  std::vector<std::string> next_argv = {};  // empty = that of the code
};

// Both write to stdout, a failure also a line to stderr, and return the exit code.
[[nodiscard]] int ReportStarted(const Started& started, bool json);
[[nodiscard]] int ReportFailure(const Failure& failure, bool json);

// From an error object of the library.
[[nodiscard]] Failure FailureOf(std::string_view error_json);

// --json, --text, else whether stdout is a terminal.
[[nodiscard]] bool WantsJson(bool json, bool text);

}  // namespace selftune::dashboard
