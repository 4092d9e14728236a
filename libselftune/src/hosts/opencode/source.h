// The stores of OpenCode: the database, and the JSON folders from before it.
#pragma once

#include "ingest/source.h"

namespace selftune::hosts {

[[nodiscard]] const ingest::Source& OpenCodeSource();

}  // namespace selftune::hosts
