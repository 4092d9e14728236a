// The stores of OpenClaw: a database an agent, and the files from before them.
#pragma once

#include "ingest/source.h"

namespace selftune::hosts {

[[nodiscard]] const ingest::Source& OpenClawSource();

}  // namespace selftune::hosts
