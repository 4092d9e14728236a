// Runs a query to its end.
#pragma once

#include <utility>

#include "base/status_macros.h"
#include "store/statement.h"

namespace selftune::store {

// Calls `row(cursor)` for each row; the first error ends it.
template <typename Row>
[[nodiscard]] Status ForEach(StatusOr<Cursor> query, Row&& row) {
  ST_ASSIGN_OR_RETURN(Cursor rows, std::move(query));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return absl::OkStatus();
    row(rows);
  }
}

}  // namespace selftune::store
