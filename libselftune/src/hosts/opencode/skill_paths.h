// Folders of skills that settings of OpenCode name.
#pragma once

#include <vector>

#include "hosts/registry.h"
#include "skillfs/discovery.h"

namespace selftune::hosts::opencode {

// `skills.paths` of the configuration: it is read last. The list of a project takes the place of
// the person's in its folder and below, whose folders are marked as switched off by it; one in
// the home's `.opencode` takes the place of all others. What is
// relative lies below the working directory of a session. `skills.urls` is not followed.
[[nodiscard]] std::vector<skillfs::NamedRoot> NamedSkillRoots(
    const RootQuery& query, std::vector<skillfs::DiscoveryProblem>& problems);

}  // namespace selftune::hosts::opencode
