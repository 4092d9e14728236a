// Columns that a statement could not hand out for want of memory. Both throw
// std::bad_alloc then, as everything else does.
#pragma once

#include <string_view>

struct sqlite3_stmt;

namespace selftune::store::internal {

// To be called when a column's bytes are NULL, which a value may be, too.
void CheckMemory(sqlite3_stmt* stmt);

// Points into the statement.
[[nodiscard]] std::string_view ColumnName(sqlite3_stmt* stmt, int column);

}  // namespace selftune::store::internal
