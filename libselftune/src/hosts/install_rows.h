// What is installed on each host; each is defined in its host's folder.
#pragma once

#include "install/target.h"

namespace selftune::hosts {

extern const install::Target kClaudeCodeTarget;
extern const install::Target kClineTarget;
extern const install::Target kCodexTarget;
extern const install::Target kCopilotTarget;
extern const install::Target kGeminiTarget;
extern const install::Target kOpenCodeTarget;
extern const install::Target kPiTarget;
extern const install::Target kQwenTarget;

}  // namespace selftune::hosts
