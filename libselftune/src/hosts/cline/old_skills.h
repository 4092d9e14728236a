// Folders of skills that only Cline 2 and the VS Code extension read.
#pragma once

#include <vector>

#include "hosts/registry.h"
#include "skillfs/discovery.h"

namespace selftune::hosts::cline {

// In the working directories, where one of the two keeps tasks here: version 3 looks in the
// root of the repository alone, and never into `.claude/skills`.
[[nodiscard]] std::vector<skillfs::NamedRoot> OldSkillRoots(
    const RootQuery& query, std::vector<skillfs::DiscoveryProblem>& problems);

}  // namespace selftune::hosts::cline
