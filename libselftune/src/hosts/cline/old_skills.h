// A folder of skills that only Cline 2 and the VS Code extension read.
#pragma once

#include <vector>

#include "hosts/registry.h"
#include "skillfs/discovery.h"

namespace selftune::hosts::cline {

// `.claude/skills` of the working directories, where one of the two keeps tasks here:
// version 3 does not look there.
[[nodiscard]] std::vector<skillfs::NamedRoot> OldSkillRoots(
    const RootQuery& query, std::vector<skillfs::DiscoveryProblem>& problems);

}  // namespace selftune::hosts::cline
