// One session of the reference with everything that hangs on it.
#pragma once

#include "base/error.h"
#include "store/loose_db.h"
#include "upstream/engine.h"

namespace selftune::upstream {

// Inside the engine's transaction. A second time it changes nothing.
[[nodiscard]] Status ImportSession(Engine& engine, const store::LooseValue& session_id);

// Each of its rows becomes a rejected one: writing them failed with `why`.
[[nodiscard]] Status RejectSession(Engine& engine, const store::LooseValue& session_id,
                                   std::string_view why);

}  // namespace selftune::upstream
