// The hook rows of all hosts; each is defined in its host's folder.
#pragma once

#include "hooks/host.h"

namespace selftune::hosts {

extern const hooks::Host kClaudeCodeHooks;

}  // namespace selftune::hosts
