// A small file that the library left for hooks.
#pragma once

#include <string>

namespace selftune::hooks {

// "" when there is none, it is larger, or something else has its place.
[[nodiscard]] std::string ReadSmall(const std::string& path, size_t most);

}  // namespace selftune::hooks
