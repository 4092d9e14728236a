// Folders of skills that OpenClaw has besides those of its row.
#pragma once

#include <vector>

#include "hosts/registry.h"
#include "skillfs/discovery.h"

namespace selftune::hosts::openclaw {

// `agents/<agent>/agent/workshop-skills`, which the host's own workshop rewrites: nobody
// else may; `plugin-skills`, where it links those of plugins; and of openclaw.json the
// workspaces of agents and `skills.load.extraDirs`. A relative folder is left out: it lies
// where the gateway was started, which nobody knows.
[[nodiscard]] std::vector<skillfs::NamedRoot> NamedSkillRoots(
    const RootQuery& query, std::vector<skillfs::DiscoveryProblem>& problems);

}  // namespace selftune::hosts::openclaw
