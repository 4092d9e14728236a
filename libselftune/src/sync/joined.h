// Sessions whose records lie in several files: a copy that went on elsewhere, a
// session resumed in another folder. Such files are read one behind the other,
// in the order of their beginnings, as if they were one file; what a file begins
// with and an earlier one holds already is left out.
#pragma once

#include <optional>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/time.h"
#include "ingest/line_pump.h"
#include "store/db.h"
#include "sync/plan.h"

namespace selftune::sync {

// One of the files, to be read from `start`.
struct JoinPart {
  WorkItem item;
  std::optional<UtcMillis> begins;  // earliest time in its first records
  ingest::Cursor start;             // behind what an earlier part holds
};

// The files tied to `id`, in the order in which to read them. Fails when one
// cannot be read: nothing may be forgotten then.
[[nodiscard]] StatusOr<std::vector<JoinPart>> LoadParts(store::Db& db, const ingest::Source& source,
                                                        store::SourceId id,
                                                        const base::Cancel* cancel);

}  // namespace selftune::sync
