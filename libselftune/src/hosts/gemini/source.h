// Gemini CLI: session files below ~/.gemini/tmp.
#pragma once

#include "ingest/source.h"

namespace selftune::hosts {

[[nodiscard]] const ingest::Source& GeminiSource();

}  // namespace selftune::hosts
