// The skills that installed Claude Code plugins bring along.
#pragma once

#include <vector>

#include "hosts/registry.h"
#include "skillfs/discovery.h"

namespace selftune::hosts::claude_code {

// Reads `plugins/installed_plugins.json` below the configuration folder (both
// known formats) and leaves out what `settings.json` switches off. An absent file has no
// plugins, and so has one that is not understood, which is told.
[[nodiscard]] std::vector<skillfs::NamedRoot> PluginSkillRoots(
    const RootQuery& query, std::vector<skillfs::DiscoveryProblem>& problems);

}  // namespace selftune::hosts::claude_code
