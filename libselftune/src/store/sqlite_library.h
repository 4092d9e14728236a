// The database library itself.
#pragma once

#include <string_view>

namespace selftune::store {

// "3.40.1". Static.
[[nodiscard]] std::string_view SqliteVersion();

// Nobody else in this process uses the library: it need not count its memory,
// under a lock of the process, with each allocation. To be called before the
// first connection; without effect later.
void OwnSqlite();

}  // namespace selftune::store
