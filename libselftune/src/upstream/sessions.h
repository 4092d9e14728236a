// All sessions of the reference, and what of its tables has no place here.
#pragma once

#include "base/error.h"
#include "upstream/engine.h"

namespace selftune::upstream {

[[nodiscard]] Status ImportSessions(Engine& engine);

// Rows of tables that we do not have yet: all of them stays in the ledger.
[[nodiscard]] Status KeepOthers(Engine& engine);

}  // namespace selftune::upstream
