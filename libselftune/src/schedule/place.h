// The machine that jobs are installed on: which program, which environment, which
// scheduler.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/env.h"
#include "base/error.h"

namespace selftune::schedule {

enum class Platform { kCron, kLaunchd, kSystemd, kOpenclaw };
[[nodiscard]] std::string_view Word(Platform platform);
[[nodiscard]] std::optional<Platform> ParsePlatform(std::string_view word);

struct Machine {
  const base::Environment* env = nullptr;
  const base::Cancel* cancel = nullptr;
  std::string state_dir;
  std::string agent_commands;  // names of programs, separated by blanks, whose folders are kept
};

// A program that was run.
struct Ran {
  std::vector<std::string> argv;
  int exit_code = -1;
  std::string out, error;
  [[nodiscard]] bool ok() const { return exit_code == 0; }
};
// argv[0] by name; PROCESS_FAILED when it is not there.
[[nodiscard]] StatusOr<Ran> Run(const Machine& machine, std::vector<std::string> argv,
                                std::string_view input = {},
                                std::chrono::milliseconds timeout = std::chrono::seconds(20));
[[nodiscard]] bool HasProgram(const Machine& machine, std::string_view name);

// Of this system. nullopt: it has none that can be used by this person.
[[nodiscard]] StatusOr<std::optional<Platform>> DetectPlatform(const Machine& machine);

// The selftune that jobs start: a link on PATH rather than what it leads to.
[[nodiscard]] StatusOr<std::string> FindProgram(const Machine& machine);

// What jobs need of the environment: a PATH with the folders of selftune and of the
// agents, and where data lies. No keys. INVALID_CONFIG for what no scheduler can carry.
using JobEnvironment = std::map<std::string, std::string>;
[[nodiscard]] StatusOr<JobEnvironment> CaptureEnvironment(const Machine& machine,
                                                          const std::string& program);

}  // namespace selftune::schedule
