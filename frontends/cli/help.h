// Help texts, all made from the registry.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/command.h"

namespace selftune::cli {

struct ExitCode {
  std::string_view code, name, meaning, reaction;
};
[[nodiscard]] std::span<const ExitCode> ExitCodes();

// "selftune why <skill> [flags]".
[[nodiscard]] std::string UsageLine(const Command& command);
// " <path>" or " a|b"; "" for a switch.
[[nodiscard]] std::string ValueOf(const Flag& flag);

// {"commands","flags"}: every command, and the flags that each takes.
[[nodiscard]] std::string CommandsData();

// A word that begins the path of commands: "skills", "evolve".
[[nodiscard]] bool IsGroup(std::string_view word);

[[nodiscard]] int ShowCommandHelp(const Invocation& invocation, const Command& command);
[[nodiscard]] int ShowGroupHelp(const Invocation& invocation, std::string_view word);
// The overview; with `all`, also commands that belong to no group.
[[nodiscard]] int ShowOverview(const Invocation& invocation, bool all);
[[nodiscard]] int ShowExitCodes(const Invocation& invocation);
// docs/reference/cli.md.
[[nodiscard]] int ShowReference(const Invocation& invocation);

}  // namespace selftune::cli
