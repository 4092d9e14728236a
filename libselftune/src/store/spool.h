// Records of writers that could not reach the database in time: one line each
// in <state dir>/spool/<UTC day>.jsonl, applied by whoever writes next.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/functional/function_ref.h>

#include "base/error.h"
#include "base/time.h"
#include "store/db.h"

namespace selftune::store {

struct SpoolRecord {
  std::string id;    // unique; the same id twice is the same record
  std::string kind;  // "prompt", "session_end", ...
  UtcMillis at;
  std::string payload;  // JSON object
};

// Appends with one write(2); a record above 64 KiB gets a file of its own.
[[nodiscard]] Status SpoolAppend(const std::string& state_dir, const SpoolRecord& record);

// A line that is no record: counted in bad_lines, never lost.
struct DrainReport {
  int64_t records = 0;
  int64_t bad = 0;
  int64_t files_removed = 0;  // consumed and older than a day
};

// Hands every record not yet consumed to `apply`, in order of files and lines.
// Runs transactions of its own: records and the place to go on commit
// together, so that several processes may drain at once. INVALID_REQUEST of
// `apply` counts the line as bad; another error stops the drain before it.
[[nodiscard]] StatusOr<DrainReport> SpoolDrain(
    Db& db, const std::string& state_dir, UtcMillis now,
    absl::FunctionRef<Status(const SpoolRecord& record)> apply);

struct SpoolDepth {
  int64_t files = 0;
  int64_t bytes = 0;  // not yet consumed
};
[[nodiscard]] StatusOr<SpoolDepth> SpoolWaiting(Db& db, const std::string& state_dir);

}  // namespace selftune::store
