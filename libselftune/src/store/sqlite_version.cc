#include "store/sqlite_version.h"

#include <sqlite3.h>

namespace selftune::store {

std::string_view SqliteVersion() { return sqlite3_libversion(); }

}  // namespace selftune::store
