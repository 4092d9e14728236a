// What may be done to one skill, and which rule says so. The loop decides by
// the same order (orchestrate/policy.h).
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"
#include "status/skill_states.h"

namespace selftune::status {

struct PolicyFacts {
  std::string_view skill;
  bool off = false;              // its frontmatter says metadata.selftune: off
  std::string_view stored = {};  // word in the store, "" = none
  bool in_git = false;
};

struct SkillPolicy {
  config::SkillAutonomy autonomy = config::SkillAutonomy::kAuto;
  // frontmatter config store version_control default; the first that speaks.
  std::string_view source;
};

[[nodiscard]] SkillPolicy DecideSkillPolicy(const PolicyFacts& facts, const config::Config& config);

// What the store knows; `off` is left false, see below.
[[nodiscard]] PolicyFacts FactsOf(const SkillState& state);

// Reads the installed files: does one say "off"? For few skills at a time.
[[nodiscard]] bool SwitchedOff(const SkillState& state);
// Puts the answer into `state`: such a skill is locked, whatever else is set.
void ReadOffSwitch(SkillState& state);

// A sentence for `policy`, and what the general setting makes of it.
[[nodiscard]] std::string ExplainPolicy(std::string_view skill, const SkillPolicy& policy,
                                        bool managed, const config::Config& config);

}  // namespace selftune::status
