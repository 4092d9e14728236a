// Every command, once.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/ops.gen.h"

namespace selftune::cli {

// Groups of the overview, in order.
inline constexpr std::string_view kGroups[] = {"See", "Improve", "Evidence", "Data", "Tools"};

// Commands whose operation exists, in the order of registry.cc.
[[nodiscard]] const std::vector<const Command*>& Registered();
// nullptr if there is none.
[[nodiscard]] const Command* FindCommand(std::string_view path);
[[nodiscard]] const OpRow* FindOp(std::string_view name);

// The command that the words begin with (longest path), and how many words
// that are. The command is nullptr when there is none.
struct Match {
  const Command* command = nullptr;
  size_t words = 0;
};
[[nodiscard]] Match MatchCommand(const std::vector<std::string>& words);

}  // namespace selftune::cli
