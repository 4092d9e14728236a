// Pi: session files below the agent's folder.
#pragma once

#include "ingest/source.h"

namespace selftune::hosts {

[[nodiscard]] const ingest::Source& PiSource();

}  // namespace selftune::hosts
