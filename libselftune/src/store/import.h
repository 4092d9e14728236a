// Takes an archive of `export` back: into a store that does not hold anything
// yet, or into one that holds (some of) the same rows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/time.h"

namespace selftune::store {

struct ImportOptions {
  bool dry_run = false;
  std::string scratch_dir;  // of a dry run, which makes a store of the rows, too
  const base::Cancel* cancel = nullptr;
};

struct ImportedTable {
  std::string name;
  int64_t rows = 0;      // in the archive
  int64_t imported = 0;  // new here
  int64_t present = 0;   // here already, the same
};

struct ImportReport {
  std::vector<ImportedTable> tables;  // sorted by name
  bool replaced = false;              // the whole store is the archive's now
  std::string backup_id;              // of the store before, "" = there was none, or no change
  std::string backup_path;
  [[nodiscard]] bool changed() const;
};

// All or nothing. A store without evidence and decisions (a new one, or one
// that only knows which skills are installed) is replaced as a whole, so that
// every row comes back as it was. Any other gets the rows it lacks; a row that
// it has with another content refuses the archive (CONFLICTED, naming it).
// Errors of the archive name the row (archive.h).
[[nodiscard]] StatusOr<ImportReport> ImportArchive(const std::string& store_path,
                                                   const std::string& dir,
                                                   const ImportOptions& options, UtcMillis now);

}  // namespace selftune::store
