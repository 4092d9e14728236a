// Leaves for the hooks what they are to say (hooks/notes.h): which skills are being
// watched, and the one suggestion that matters most.
#pragma once

#include "capi/context.h"

namespace selftune::capi {

// After an operation that changed something, or when hooks left a mark. The file is
// rewritten only if it would say something else, and removed when there is nothing to say.
[[nodiscard]] Status KeepHookNotes(Context& context);
// Somebody said something that the notes may not know of (hooks/pending.h).
[[nodiscard]] bool HooksLeftAMark(const Context& context);

}  // namespace selftune::capi
