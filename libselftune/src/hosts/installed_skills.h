// The installed skills of all hosts of the registry.
#pragma once

#include <span>
#include <string>

#include "base/env.h"
#include "skillfs/discovery.h"

namespace selftune::hosts {

// Reads the disk. `project_dirs`: working directories, e.g. the workspaces of
// known sessions. Views in the result point into the registry's literals.
[[nodiscard]] skillfs::Discovery FindInstalledSkills(const base::Environment& env,
                                                     std::span<const std::string> project_dirs);

// The request that FindInstalledSkills makes, for callers that narrow it.
[[nodiscard]] skillfs::DiscoveryRequest DiscoveryFor(const base::Environment& env,
                                                     std::span<const std::string> project_dirs);

}  // namespace selftune::hosts
