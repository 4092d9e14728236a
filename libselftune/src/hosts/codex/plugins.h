// The skills that plugins of Codex CLI bring along.
#pragma once

#include <string_view>
#include <vector>

#include "hosts/registry.h"
#include "skillfs/discovery.h"

namespace selftune::hosts::codex {

// Of each `[plugins."NAME@MARKETPLACE"]` in config.toml the version that is in use of what
// lies in `plugins/cache`: the folders that its manifest names, else its `skills`. Those
// that `enabled = false` or `features.plugins = false` switches off are marked.
[[nodiscard]] std::vector<skillfs::NamedRoot> PluginSkillRoots(
    const RootQuery& query, std::vector<skillfs::DiscoveryProblem>& problems);

// Whether a version of a plugin is older than another: as semantic versions, where both
// are some, else as texts. "local" is older than none.
[[nodiscard]] bool IsOlderVersion(std::string_view version, std::string_view than);

}  // namespace selftune::hosts::codex
