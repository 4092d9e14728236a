// The skill that tells an agent how to operate selftune (skill/SKILL.md).
#pragma once

#include <string_view>

namespace selftune::install {

[[nodiscard]] std::string_view SkillText();

}  // namespace selftune::install
