// Takes out of a prompt what its author did not say to the agent.
#pragma once

#include <string>
#include <string_view>

#include "signals/skill_names.h"

namespace selftune::signals {

// Stands in cleaned text for a passage that was cut out of a sentence.
inline constexpr char kGap = '\x01';

// Text without fenced blocks, code spans, lines starting with '>' and
// reported speech; one word, or the name of a skill, in quotes or backticks
// stays. Typographic quotes, dashes and blanks become ASCII.
[[nodiscard]] std::string CleanPrompt(std::string_view raw, const SkillNames& names);

}  // namespace selftune::signals
