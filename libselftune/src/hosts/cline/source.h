// Cline: sessions of the command line 3, tasks of the command line 2 and of the
// extension for VS Code.
#pragma once

#include "ingest/source.h"

namespace selftune::hosts {

[[nodiscard]] const ingest::Source& ClineSource();

}  // namespace selftune::hosts
