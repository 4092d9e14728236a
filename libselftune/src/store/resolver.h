// Which capture of an occurrence counts.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/ids.h"

namespace selftune::store {

// Sets effective=1 on exactly one row of the occurrence, or on none. Among the
// rows that may count the strongest capture wins, then the later time, then
// the lower key. Never: polluted rows; imported rows of a (session, skill)
// that another capture knows; a hook's word that a transcript went past without
// saying the same; a judged miss where the skill did run.
[[nodiscard]] Status ResolveOccurrence(Db& db, std::string_view occurrence_key);

// Looks again at imported rows of (session, skill) and at judged misses of
// (prompt, skill): a new row of either may have settled them.
[[nodiscard]] Status ResolveNeighbours(Db& db, SessionPk session, PromptPk prompt, SkillId skill);

// Looks again at judged misses of (prompt, skill) only.
[[nodiscard]] Status ResolveMisses(Db& db, PromptPk prompt, SkillId skill);

// Keys of occurrences of which another row counts than should, or none: an error of ours.
// Looks at all that is stored.
[[nodiscard]] StatusOr<std::vector<std::string>> UnresolvedOccurrences(Db& db, size_t limit);

}  // namespace selftune::store
