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

struct DrainReport {
  int64_t records = 0;
  int64_t bad = 0;  // lines that are no record, or cut short: counted in bad_lines, never lost
  int64_t files_removed = 0;          // consumed and older than a day
  std::vector<std::string> problems;  // files that cannot be read: they wait
};

// Hands every record not yet consumed to `apply`, oldest first over all files:
// a long record lies in a file of its own beside those of its day. Runs
// transactions of its own: records and the places to go on commit together, so
// that several processes may drain at once. INVALID_REQUEST of `apply` counts
// the line as bad; another error stops the drain before it. What cannot be read
// is named in `problems` and in its source_file row, and stops nothing.
[[nodiscard]] StatusOr<DrainReport> SpoolDrain(
    Db& db, const std::string& state_dir, UtcMillis now,
    absl::FunctionRef<Status(const SpoolRecord& record)> apply);

struct SpoolDepth {
  int64_t files = 0;
  int64_t bytes = 0;                  // not yet consumed
  std::vector<std::string> problems;  // files that cannot be read
};
[[nodiscard]] StatusOr<SpoolDepth> SpoolWaiting(Db& db, const std::string& state_dir);

}  // namespace selftune::store
