// Version of the database library in use.
#pragma once

#include <string_view>

namespace selftune::store {

// "3.40.1". Static.
[[nodiscard]] std::string_view SqliteVersion();

}  // namespace selftune::store
