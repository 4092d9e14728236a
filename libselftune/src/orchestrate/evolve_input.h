// What an evolution knows about a skill before it asks a model.
#pragma once

#include "base/error.h"
#include "evolution/input.h"
#include "orchestrate/improve.h"
#include "orchestrate/skill_target.h"

namespace selftune::orchestrate {

// Its text, its eval set (of a file, if the options name one), the skills it is
// easily mistaken for, and what was tried before. `world` outlives the result.
[[nodiscard]] StatusOr<evolution::EvolveInput> InputOf(const ImproveWorld& world,
                                                       const ImproveOptions& options,
                                                       const SkillTarget& target);

}  // namespace selftune::orchestrate
