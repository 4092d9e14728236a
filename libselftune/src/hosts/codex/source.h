// Codex CLI: rollout files below $CODEX_HOME.
#pragma once

#include "ingest/source.h"

namespace selftune::hosts {

[[nodiscard]] const ingest::Source& CodexSource();

}  // namespace selftune::hosts
