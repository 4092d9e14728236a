// SQL of the user, read only, on the public views: results in memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "store/relations.h"
#include "store/user_query.h"

namespace selftune::store {

struct SqlResult {
  std::vector<std::string> columns;
  std::vector<std::vector<SqlCell>> rows;
  bool truncated = false;  // there are more rows than the limit
};

struct SqlOptions {
  int64_t max_rows = 1'000;
  int64_t max_bytes = 32 << 20;  // of text in the result
  const base::Cancel* cancel = nullptr;
  // A query without an end is not to run until somebody kills it.
  std::chrono::milliseconds time_limit{300'000};
};

// Runs one SELECT as UserQuery does; blobs become lower-case hex.
[[nodiscard]] StatusOr<SqlResult> RunUserSql(const std::string& store_path, std::string_view sql,
                                             std::span<const SqlCell> args,
                                             const SqlOptions& options = {});

}  // namespace selftune::store
