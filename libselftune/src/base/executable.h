// Programs by name. Also in the hook shim: nothing here allocates an error or costs a start.
#pragma once

#include <string>
#include <string_view>

namespace selftune::base {

// Absolute path of an executable found on a PATH-like list; "" if none.
[[nodiscard]] std::string FindExecutable(std::string_view name, std::string_view path_list);

}  // namespace selftune::base
