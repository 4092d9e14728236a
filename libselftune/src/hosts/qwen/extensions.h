// The skills that extensions of Qwen Code bring along.
#pragma once

#include <vector>

#include "hosts/registry.h"
#include "skillfs/discovery.h"

namespace selftune::hosts::qwen {

// `extensions/<folder>/skills` below the configuration folder, of a linked extension where it
// lies; called `extension:skill`. What `extension-store/state.json` says of the working
// directories asked for is marked, of an older release `extension-enablement.json` does.
[[nodiscard]] std::vector<skillfs::NamedRoot> ExtensionSkillRoots(
    const RootQuery& query, std::vector<skillfs::DiscoveryProblem>& problems);

}  // namespace selftune::hosts::qwen
