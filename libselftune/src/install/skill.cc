#include "install/skill.h"

#include <string_view>

namespace selftune::install {
namespace {

#include "install/skill.inc"

}  // namespace

std::string_view SkillText() { return kSkillText; }

}  // namespace selftune::install
