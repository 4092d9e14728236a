// From a command line to an exit code.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/envelope.h"

namespace selftune::cli {

[[nodiscard]] int Dispatch(const std::vector<std::string>& argv);

// Prints an envelope by the output rule and returns its exit code. `render`
// may be empty (RenderFields).
[[nodiscard]] int Finish(const Invocation& invocation, const std::string& envelope,
                         RenderFn render);

// Prints a failure: envelope on stdout where JSON is due, a line on stderr.
[[nodiscard]] int FinishFailure(const Invocation& invocation, std::string_view command,
                                std::string_view schema, const Failure& failure);

inline constexpr std::string_view kErrorSchema = "selftune/error@1";

}  // namespace selftune::cli
