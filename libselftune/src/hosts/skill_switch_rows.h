// The switches of all hosts that have one; each is defined in its host's folder.
#pragma once

#include <span>
#include <vector>

#include "hosts/skill_switches.h"

namespace selftune::hosts {

extern const std::span<const SkillSwitch> kClaudeCodeSwitches;
extern const std::span<const SkillSwitch> kCodexSwitches;
extern const std::span<const SkillSwitch> kCopilotSwitches;
extern const std::span<const SkillSwitch> kGeminiSwitches;
extern const std::span<const SkillSwitch> kQwenSwitches;

namespace openclaw {

// `skills.entries`, and the lists of skills of its agents.
[[nodiscard]] std::vector<skillfs::SkillRule> ReadSkillRules(
    const RootQuery& query, std::vector<skillfs::DiscoveryProblem>& problems);

}  // namespace openclaw
namespace opencode {

// `permission` and `tools`, as all files of a session say it together.
[[nodiscard]] std::vector<skillfs::SkillRule> ReadSkillPermissions(
    const RootQuery& query, std::vector<skillfs::DiscoveryProblem>& problems);

}  // namespace opencode
namespace pi {

// Of `skills` in settings.json, which has words of its own: skill_words.h.
[[nodiscard]] std::vector<skillfs::SkillRule> ReadSkillWords(
    const RootQuery& query, std::vector<skillfs::DiscoveryProblem>& problems);

}  // namespace pi
namespace qwen {

// Of extensions' manifests and the store that switches their skills on and off by folder. What
// settings say of the same skills comes behind.
[[nodiscard]] std::vector<skillfs::SkillRule> ReadSkillStates(
    const RootQuery& query, std::vector<skillfs::DiscoveryProblem>& problems);

}  // namespace qwen
}  // namespace selftune::hosts
