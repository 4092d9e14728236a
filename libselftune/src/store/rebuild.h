// Makes a new store of what can still be read of a damaged one, and puts it in
// its place. The old file is kept.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/time.h"
#include "store/db.h"

namespace selftune::store {

struct RebuildOptions {
  bool dry_run = false;
  std::string scratch_dir;  // of a dry run, which makes the new store, too
  const base::Cancel* cancel = nullptr;
};

struct RebuiltTable {
  std::string name;
  int64_t rows = 0;     // in the new store
  int64_t adopted = 0;  // of these, from pages that nothing led to
  int64_t made = 0;     // stand-ins for lost rows that others name
  // Lost: readable rows that the tables did not take, rows that cannot be read,
  // pages of rows nobody knows; and what an index names more than was read.
  int64_t rejected = 0, unreadable = 0, lost_pages = 0;
  std::optional<int64_t> missing;
};

struct RebuildReport {
  std::vector<RebuiltTable> tables;  // sorted by name
  bool damaged = false;              // something was wrong with the file
  int64_t lost_frames = 0;           // pages of its log that could not be used
  // What was forgotten is not known for sure any more: nothing is read again,
  // and sessions with erased words stay forgotten as a whole.
  bool forgotten_lost = false;
  bool reread = false;                // the next sync reads all sources again
  std::vector<std::string> problems;  // that the new store still has
  std::string aside;                  // where the old file is; "" in a dry run
};

// STORE_MISSING, STORE_FOREIGN, STORE_BUSY. Computed tables are computed anew.
// When rows were lost the places in the sources are forgotten, so that the next
// sync reads them from their start, and finds everything that is still there.
[[nodiscard]] StatusOr<RebuildReport> RebuildStore(const std::string& store_path,
                                                   const RebuildOptions& options, UtcMillis now);

// Rows of every table of the schema.
[[nodiscard]] StatusOr<std::map<std::string, int64_t>> CountTables(Db& db);

}  // namespace selftune::store
