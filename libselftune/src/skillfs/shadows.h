// Which skills are hidden by others of the same name.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "skillfs/discovery.h"

namespace selftune::skillfs {

// Fills in SkillPlacement::shadowed_by for hosts where one name hides another: a name is
// hidden by the same name of higher precedence wherever both can be seen, one for the
// whole machine or one of the same project. Linear in the placements; how many were gone
// through.
size_t MarkShadowed(std::span<const HostSkillRules> hosts, std::vector<InstalledSkill>& skills);

}  // namespace selftune::skillfs
