#include "store/sqlite_library.h"

#include <sqlite3.h>

namespace selftune::store {

std::string_view SqliteVersion() { return sqlite3_libversion(); }

// It refuses when it is in use.
void OwnSqlite() { static_cast<void>(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0)); }

}  // namespace selftune::store
