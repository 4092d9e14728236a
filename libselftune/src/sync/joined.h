// Sessions whose records lie in several files: a copy that went on elsewhere, a
// session resumed in another folder. Such files are read one behind the other,
// in the order of their beginnings, as if they were one file; what a file begins
// with and an earlier one holds already is left out. A file that is gone cannot
// be read again: it keeps what it gave, and the others are read behind it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/time.h"
#include "ingest/line_pump.h"
#include "ingest/source.h"
#include "store/db.h"
#include "sync/plan.h"

namespace selftune::sync {

// One of the files, to be read from `start`.
struct JoinPart {
  WorkItem item;
  std::optional<UtcMillis> begins;  // earliest time in its first records
  ingest::Cursor start;             // behind what an earlier part holds
};

// The files of some sessions.
struct Join {
  std::vector<JoinPart> parts;        // in the order in which to read them
  std::vector<store::SourceId> kept;  // gone, and no other holds all they had: what they gave stays
  // Kept ones whose reader, at its end, knew parts that are there.
  std::vector<store::SourceId> confused;
  std::vector<store::SourceId> former;  // gone, and another one holds all they had
  std::string reader_state;             // of the kept part read last, with which to begin
  ingest::KeySet known;                 // records of the kept parts
  int64_t generation = 0;               // newer than what is stored of any of them
};

// The files tied to `id`. Fails when one that is there cannot be read: nothing
// may be forgotten then.
[[nodiscard]] StatusOr<Join> LoadParts(store::Db& db, const ingest::Source& source,
                                       store::SourceId id, const base::Cancel* cancel);

}  // namespace selftune::sync
