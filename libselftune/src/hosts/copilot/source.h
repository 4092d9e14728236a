// GitHub Copilot CLI: event files below its folder.
#pragma once

#include "ingest/source.h"

namespace selftune::hosts {

[[nodiscard]] const ingest::Source& CopilotSource();

}  // namespace selftune::hosts
