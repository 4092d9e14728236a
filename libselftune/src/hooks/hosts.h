// The hosts that have hooks. Defined in hosts/hooks.cc, where the hosts are.
#pragma once

#include <span>
#include <string_view>

#include "hooks/host.h"

namespace selftune::hooks {

[[nodiscard]] std::span<const Host> Hosts();
// Accepts the platform id, `-` for `_`, and the command's name; nullptr if none.
[[nodiscard]] const Host* FindHost(std::string_view name);

}  // namespace selftune::hooks
