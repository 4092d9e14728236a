// Proposals, replays and runs of the reference.
#pragma once

#include "base/error.h"
#include "upstream/engine.h"

namespace selftune::upstream {

// Writes what has a table here, in transactions of its own.
[[nodiscard]] Status ImportHistory(Engine& engine);

}  // namespace selftune::upstream
