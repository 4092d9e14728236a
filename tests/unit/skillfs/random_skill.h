// Random SKILL.md files and description texts for property tests.
#pragma once

#include <string>

#include "base/crypto.h"

namespace selftune::skillfs::testing {

// A file whose frontmatter is valid YAML 1.2: description in a random style,
// other keys around it, comments, blank lines, any line ends, maybe a byte
// order mark; or no frontmatter, or no description.
[[nodiscard]] std::string RandomSkill(base::Rng& rng);

// A description: words, quotes, indicators, line breaks, control characters,
// other scripts. May be blank.
[[nodiscard]] std::string RandomText(base::Rng& rng);

// `bytes` with a few random edits; need not be valid any more.
[[nodiscard]] std::string Damage(std::string bytes, base::Rng& rng);

}  // namespace selftune::skillfs::testing
