// The rows of all hosts; each is defined in its host's folder.
#pragma once

#include "hosts/registry.h"

namespace selftune::hosts {

extern const HostRow kClaudeCodeRow;
extern const HostRow kCodexRow;
extern const HostRow kOpenCodeRow;
extern const HostRow kOpenClawRow;
extern const HostRow kClineRow;
extern const HostRow kPiRow;
extern const HostRow kGeminiRow;
extern const HostRow kCopilotRow;
extern const HostRow kQwenRow;

}  // namespace selftune::hosts
