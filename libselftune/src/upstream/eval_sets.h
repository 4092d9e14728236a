// The canonical eval sets of the reference: a row a skill, all its queries in one text.
#pragma once

#include "base/error.h"
#include "upstream/engine.h"

namespace selftune::upstream {

// Writes their entries, in transactions of its own.
[[nodiscard]] Status ImportEvalSets(Engine& engine);

}  // namespace selftune::upstream
