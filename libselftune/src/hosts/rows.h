// The rows of all hosts; each is defined in its host's folder.
#pragma once

#include "hosts/registry.h"

namespace selftune::hosts {

extern const HostRow kClaudeCodeRow;
extern const HostRow kCodexRow;

}  // namespace selftune::hosts
