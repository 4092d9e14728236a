// Figures by which the doctor judges the evidence.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/rows.h"

namespace selftune::store {

// What was read of one host.
struct SourceHealth {
  std::string platform;
  int64_t files = 0, missing = 0, with_error = 0;
  int64_t bytes = 0, records = 0, used = 0, unknown = 0, bad_lines = 0;
  bool any_session = false;
  std::string error, error_path;  // of one of the files with an error
};
[[nodiscard]] StatusOr<std::vector<SourceHealth>> ReadSourceHealth(Db& db);  // by platform

// A session id that two hosts have; empty when there is none.
struct SharedId {
  std::string session_id, first, second;  // the hosts
};
[[nodiscard]] StatusOr<std::optional<SharedId>> FindSharedSessionId(Db& db);

// Tables in the file that are neither ours nor SQLite's own.
[[nodiscard]] StatusOr<std::vector<std::string>> ForeignTables(Db& db);

}  // namespace selftune::store
