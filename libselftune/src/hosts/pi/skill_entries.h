// Folders of skills that settings of Pi name: those of the person and of packages.
#pragma once

#include <vector>

#include "hosts/registry.h"
#include "skillfs/discovery.h"

namespace selftune::hosts::pi {

// `skills` and `packages` of settings.json, of the person and of the working directories.
// What `skills` names wins over the folders of the same side, packages come last. Packages
// from npm and git are looked for where the host puts them, those of the person from npm also
// where an old release did (npm_folders.h).
[[nodiscard]] std::vector<skillfs::NamedRoot> NamedSkillRoots(
    const RootQuery& query, std::vector<skillfs::DiscoveryProblem>& problems);

}  // namespace selftune::hosts::pi
