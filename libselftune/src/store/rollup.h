// Figures per skill and day, per skill, and of the whole store, recomputed
// from the observations whose cells changed.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "store/db.h"

namespace selftune::store {

// Brings every dirty cell up to date; inside a transaction. Cost: the
// effective observations of the dirty cells.
[[nodiscard]] Status DrainRollups(Db& db);

// "" when the stored cell equals one computed from the observations, else what
// differs.
[[nodiscard]] StatusOr<std::string> CheckCell(Db& db, int64_t skill_id, int64_t day);

}  // namespace selftune::store
