// Folders of skills that settings of Qwen Code name.
#pragma once

#include <vector>

#include "hosts/registry.h"
#include "skillfs/discovery.h"

namespace selftune::hosts::qwen {

// `skills.directories` of settings.json, of the person and of the folder that a session runs
// in, together; what is relative lies below that folder.
[[nodiscard]] std::vector<skillfs::NamedRoot> NamedSkillRoots(
    const RootQuery& query, std::vector<skillfs::DiscoveryProblem>& problems);

}  // namespace selftune::hosts::qwen
