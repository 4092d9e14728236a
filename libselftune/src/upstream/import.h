// Takes over everything that the reference recorded on this machine.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/env.h"
#include "base/error.h"
#include "base/time.h"
#include "store/db.h"
#include "store/import_ledger.h"
#include "upstream/leftovers.h"

namespace selftune::upstream {

struct ImportWorld {
  const base::Environment* env = nullptr;
  UtcMillis now;
  const base::Cancel* cancel = nullptr;
  std::string state_dir;
  std::string store_path;
  // Progress of a part of the work: what, done, of how many.
  std::function<void(std::string_view, int64_t, int64_t)> progress;
};

struct ImportOptions {
  std::string db;    // "" = wherever it is
  std::string logs;  // folder; "" = where the reference keeps them
  bool dry_run = false;
};

// Rows of one table, or records of one log.
struct TableCount {
  std::string name;
  int64_t source = 0, imported = 0, merged = 0, kept = 0, rejected = 0;
  std::string forgotten;  // a row of which nobody said what became of it; "" = none
  [[nodiscard]] bool reconciled() const { return source == imported + merged + kept + rejected; }
};

struct ImportReport {
  std::vector<std::string> databases;  // read
  std::vector<std::string> logs;
  std::vector<TableCount> tables;
  store::ImportRows rejected;
  store::ImportRows partly, unused;    // of those that were taken over
  std::string moved_aside;             // where the reference's database is now, "" = in place
  std::string backup_id, backup_path;  // of our store as it was before, "" = none was made
  std::vector<Leftover> leftovers;
  bool reconciled = true;
  bool changed = false;
};

// NOT_FOUND when there is neither a database nor a log. Nothing of the reference is
// ever written to. A second time it changes nothing; cut off, it goes on where it was.
[[nodiscard]] StatusOr<ImportReport> ImportUpstream(const ImportWorld& world,
                                                    const ImportOptions& options);

}  // namespace selftune::upstream
