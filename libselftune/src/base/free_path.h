// A name for a copy that takes no other file's place.
#pragma once

#include <string>
#include <string_view>

namespace selftune::base {

// The names that are tried: `wanted`, then with 2, 3 and so on behind `between`.
[[nodiscard]] std::string NumberedPath(const std::string& wanted, int n, std::string_view between);

// The first of them at which there is nothing, a link that leads nowhere being something, and
// nothing with `also` behind it either.
[[nodiscard]] std::string FreePath(const std::string& wanted, std::string_view between = ".",
                                   std::string_view also = "");

}  // namespace selftune::base
