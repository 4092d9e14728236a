// The switches of all hosts that have one; each is defined in its host's row.cc.
#pragma once

#include <span>

#include "hosts/skill_switches.h"

namespace selftune::hosts {

extern const std::span<const SkillSwitch> kClaudeCodeSwitches;
extern const std::span<const SkillSwitch> kCodexSwitches;
extern const std::span<const SkillSwitch> kGeminiSwitches;
extern const std::span<const SkillSwitch> kOpenClawSwitches;
extern const std::span<const SkillSwitch> kOpenCodeSwitches;
extern const std::span<const SkillSwitch> kPiSwitches;
extern const std::span<const SkillSwitch> kQwenSwitches;

}  // namespace selftune::hosts
