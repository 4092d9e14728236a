// SQL of the user, read only, on the public views.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "store/db.h"

namespace selftune::store {

// NULL, INTEGER, REAL or TEXT (blobs become lower-case hex).
using SqlCell = std::variant<std::monostate, int64_t, double, std::string>;

struct SqlResult {
  std::vector<std::string> columns;
  std::vector<std::vector<SqlCell>> rows;
  bool truncated = false;  // there are more rows than the limit
};

struct SqlOptions {
  int64_t max_rows = 1'000;
  int64_t max_bytes = 32 << 20;  // of text in the result
  const base::Cancel* cancel = nullptr;
};

// Runs one SELECT over the views of docs/sql-views.md. Anything else (other
// tables, PRAGMA, ATTACH, writing, several statements) fails with
// QUERY_REFUSED; so do syntax errors. `args` are bound to ?1, ?2, ...
// Opens a connection of its own, so that the limits bind nobody else.
[[nodiscard]] StatusOr<SqlResult> RunUserSql(const std::string& store_path, std::string_view sql,
                                             std::span<const SqlCell> args,
                                             const SqlOptions& options = {});

// Names of the public views, sorted.
[[nodiscard]] std::span<const std::string_view> PublicViews();

}  // namespace selftune::store
