// The command line. The only place that knows the options library.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/ops.gen.h"

namespace selftune::cli {

// Flags every command takes.
[[nodiscard]] std::span<const Flag> GlobalFlags();
// The operation has this parameter.
[[nodiscard]] bool Takes(const OpRow& op, std::string_view param);
// The command's own flags, without those whose operation or parameter this
// library does not have.
[[nodiscard]] std::vector<Flag> OwnFlags(const Command& command);
// A flag of the command means what it says there, also where others have a global one of that name.
[[nodiscard]] bool HasOwnFlag(const Command& command, std::string_view name);
// Every flag it takes: its own, those that depend on it, the global ones.
[[nodiscard]] std::vector<Flag> FlagsOf(const Command& command);
// Those that depend on the command: --dry-run, --yes, --exit-zero.
[[nodiscard]] std::vector<Flag> ExtraFlags(const Command& command);

// Why a command line cannot be used.
struct UsageError {
  std::string code;  // UNKNOWN_COMMAND, INVALID_FLAG or MISSING_FLAG
  std::string message;
  std::string suggestion;
};

struct ParsedLine {
  Args args;
  std::optional<UsageError> error;
};

// Reads the words behind a command's path. `help` is parsed like any flag.
[[nodiscard]] ParsedLine ParseLine(const Command& command, const std::vector<std::string>& words);

// "5s", "2m", "500ms", "1h", or seconds, in milliseconds.
[[nodiscard]] std::optional<int64_t> ParseDuration(std::string_view text);

}  // namespace selftune::cli
