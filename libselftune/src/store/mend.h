// A store whose rows came from a damaged file: what they name and is not there.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "store/db.h"
#include "store/table_shape.h"

namespace selftune::store {

struct MendReport {
  std::map<std::string, int64_t> made;     // stand-ins, by table
  std::map<std::string, int64_t> dropped;  // rows that hang in the air
  int64_t contradictions = 0;              // rows that others did not agree with
};

// Inside a WriteTxn, foreign keys off. Stand-ins keep what names them: a text
// becomes an erased one, a skill takes its name from its uses, a session that
// of its prompts. A session whose file no row names any more waits for whatever
// file tells it (lost_source.h). What cannot stand alone goes. Counters are
// counted.
[[nodiscard]] StatusOr<MendReport> Mend(Db& db, const std::vector<TableShape>& tables,
                                        UtcMillis now);

// Every source is as if it had never been read; what it gave stays until then.
// Inside a WriteTxn.
[[nodiscard]] Status ForgetAllReading(Db& db);

// Sessions of which words were erased (not lost) stay forgotten as a whole. How
// many there are. Inside a WriteTxn.
[[nodiscard]] StatusOr<int64_t> KeepErasedSessions(Db& db, UtcMillis now);

// Rollups, totals and counters from the rows they are about. Inside a WriteTxn,
// whose commit ends it.
[[nodiscard]] Status RecomputeDerived(Db& db);

}  // namespace selftune::store
