// A name for a copy that takes no other file's place.
#pragma once

#include <string>

namespace selftune::base {

// `wanted`, or with ".2", ".3" and so on behind it: the first at which there is nothing, a
// link that leads nowhere being something.
[[nodiscard]] std::string FreePath(const std::string& wanted);

}  // namespace selftune::base
