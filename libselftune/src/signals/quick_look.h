// Is it worth while to look for signals in a prompt? For the hook program, which may not
// even read the names of skills for most prompts.
#pragma once

#include <string_view>

namespace selftune::signals {

// False: DetectSignals finds nothing, whatever is installed.
[[nodiscard]] bool MayHaveSignals(std::string_view prompt);

}  // namespace selftune::signals
