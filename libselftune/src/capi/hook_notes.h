// Leaves for the hooks what they are to say (hooks/notes.h): which skills are being
// watched, and the one suggestion that matters most.
#pragma once

#include "capi/context.h"

namespace selftune::capi {

// After an operation that changed something. The file is rewritten only if it would
// say something else, and removed when there is nothing to say.
[[nodiscard]] Status KeepHookNotes(Context& context);

}  // namespace selftune::capi
