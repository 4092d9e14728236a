// The skills that extensions of Gemini CLI bring along.
#pragma once

#include <vector>

#include "hosts/registry.h"
#include "skillfs/discovery.h"

namespace selftune::hosts::gemini {

// `extensions/<name>/skills` below the configuration folder, of a linked extension where
// it lies. They keep their names, and every other folder wins over them. What
// `extension-enablement.json` switches off, or security settings keep out, is marked, for the
// working directories asked for.
[[nodiscard]] std::vector<skillfs::NamedRoot> ExtensionSkillRoots(
    const RootQuery& query, std::vector<skillfs::DiscoveryProblem>& problems);

}  // namespace selftune::hosts::gemini
