#include "install/skill.h"

#include <span>

namespace selftune::install {
namespace {

#include "install/skill.inc"

}  // namespace

std::span<const SkillFile> SkillFiles() { return kSkillFiles; }

}  // namespace selftune::install
