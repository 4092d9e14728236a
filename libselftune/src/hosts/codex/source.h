// Codex CLI: rollout files below its folder, ~/.codex.
#pragma once

#include "ingest/source.h"

namespace selftune::hosts {

[[nodiscard]] const ingest::Source& CodexSource();

}  // namespace selftune::hosts
