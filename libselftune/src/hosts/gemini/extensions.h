// The skills that extensions of Gemini CLI bring along.
#pragma once

#include <string_view>
#include <vector>

#include "hosts/common/reached.h"
#include "hosts/registry.h"
#include "skillfs/discovery.h"

namespace selftune::hosts::gemini {

// `extensions/<name>/skills` below the configuration folder, of a linked extension where
// it lies. They keep their names, and every other folder wins over them. What
// `extension-enablement.json` switches off, or security settings keep out, is marked, for the
// working directories asked for.
[[nodiscard]] std::vector<skillfs::NamedRoot> ExtensionSkillRoots(
    const RootQuery& query, std::vector<skillfs::DiscoveryProblem>& problems);

// Whether a rule of that file without its `!` holds in a directory: `*` stands for any
// text, `/*` for none or for what is below.
[[nodiscard]] PatternMatch RuleHolds(std::string_view rule, std::string_view dir);

}  // namespace selftune::hosts::gemini
