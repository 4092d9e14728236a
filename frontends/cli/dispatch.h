// From a command line to an exit code.
#pragma once

#include <string>
#include <vector>

namespace selftune::cli {

[[nodiscard]] int Dispatch(const std::vector<std::string>& argv);

}  // namespace selftune::cli
