// How old the evidence is.
#pragma once

#include <cstdint>
#include <optional>

#include "base/error.h"
#include "base/time.h"
#include "store/db.h"

namespace selftune::status {

struct Freshness {
  std::optional<UtcMillis> last_sync;  // end of the last one that read everything
  std::optional<int64_t> lag_ms;       // since then
  bool stale = true;                   // more than a day, or never
};
[[nodiscard]] StatusOr<Freshness> ReadFreshness(store::Db& db, UtcMillis now);

// Remembers that everything on disk is in the store. `db` is open for writing,
// outside a transaction; listeners are not woken by it.
[[nodiscard]] Status WriteLastSync(store::Db& db, UtcMillis now);

}  // namespace selftune::status
