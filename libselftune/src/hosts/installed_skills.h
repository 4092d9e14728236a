// The installed skills of all hosts of the registry.
#pragma once

#include <span>
#include <string>

#include "base/env.h"
#include "hosts/registry.h"
#include "skillfs/discovery.h"

namespace selftune::hosts {

// Reads the disk. `project_dirs`: working directories, e.g. the workspaces of
// known sessions. Views in the result point into the registry's literals.
[[nodiscard]] skillfs::Discovery FindInstalledSkills(const base::Environment& env,
                                                     std::span<const std::string> project_dirs);

// The request that FindInstalledSkills makes, for callers that narrow it.
[[nodiscard]] skillfs::DiscoveryRequest DiscoveryFor(const base::Environment& env,
                                                     std::span<const std::string> project_dirs);

// Reads what the settings of the request's hosts switch off. For readouts: which files
// are skills does not depend on it.
void AddSettings(skillfs::DiscoveryRequest& request);

// Whether that agent was ever set up here: its folder is there, or it is one of
// `with_sessions`. Agents share folders of skills; of one that is not here, what it
// would find there says nothing.
[[nodiscard]] bool IsHere(const HostRow& row, const base::Environment& env,
                          std::span<const std::string> with_sessions);

}  // namespace selftune::hosts
