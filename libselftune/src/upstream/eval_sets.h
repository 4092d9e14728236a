// The canonical eval sets of the reference: a row a skill, all its queries in one text.
#pragma once

#include <vector>

#include "base/error.h"
#include "store/import_ledger.h"
#include "upstream/engine.h"

namespace selftune::upstream {

// Writes their entries, in transactions of its own. Returns rows of other sources that were in
// use until now: a newer set stands before theirs.
[[nodiscard]] StatusOr<std::vector<store::ImportRowKey>> ImportEvalSets(Engine& engine);

}  // namespace selftune::upstream
