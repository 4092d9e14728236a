// Tells "use the pdf skill" from talk about using it.
#pragma once

#include <cstddef>

#include "signals/phrase.h"

namespace selftune::signals {

// May the verb (use, run, ...) at `verb` be a request to the agent? False for
// questions, negations and statements about other people.
[[nodiscard]] bool VerbIsRequest(const Phrase& phrase, size_t verb);

// Same for the "using", "with" or "via" at `preposition`.
[[nodiscard]] bool PrepositionIsRequest(const Phrase& phrase, size_t preposition);

}  // namespace selftune::signals
