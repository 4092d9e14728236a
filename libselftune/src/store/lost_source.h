// Sessions that were read from a file of which damage left no row: their sums
// stand alone, and whoever reads the file again takes it for a new one.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "store/db.h"
#include "store/ids.h"
#include "store/source_ledger.h"

namespace selftune::store {

// Such a session is told from its start by the first file that has it.
[[nodiscard]] inline bool LostItsSource(const SessionSource& owner) {
  return owner.session && !owner.source && owner.from_file;
}

// What they hold stays until then, and for good when no file has it. That it is
// known of them is not damage. Inside a WriteTxn, as the next.
[[nodiscard]] Status NoteLostSources(Db& db);
[[nodiscard]] Status FoundSource(Db& db, SessionPk session);

}  // namespace selftune::store
