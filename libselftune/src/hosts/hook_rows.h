// The hook rows of all hosts; each is defined in its host's folder.
#pragma once

#include "hooks/host.h"

namespace selftune::hosts {

extern const hooks::Host kClaudeCodeHooks;
extern const hooks::Host kClineHooks;
extern const hooks::Host kCodexHooks;
extern const hooks::Host kCopilotHooks;
extern const hooks::Host kGeminiHooks;
extern const hooks::Host kOpenCodeHooks;
extern const hooks::Host kQwenHooks;

}  // namespace selftune::hosts
