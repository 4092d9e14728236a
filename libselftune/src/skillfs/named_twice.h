// The same skill file in several roots of one host: links, settings and packages name one
// folder more than once, and roots lie in one another.
#pragma once

#include <span>
#include <vector>

#include "skillfs/discovery_roots.h"

namespace selftune::skillfs {

// What several roots of a host say of one file that is in all of them, first ones first;
// at most one for all sessions, and one for those of each project. How they walk is of no
// matter here. Costs n log n of the roots and of what they switch off.
//
// Of roots for the same sessions the first counts, with the best rank of them; one that is
// never written makes all so. A host loads what one of them leaves on.
//
// A project adds nothing to what all sessions see and are left; what it alone switches off
// is told in `disabled_in` of that, and what it alone switches on stays beside it. Who
// looks after the file is not for roots to say (packages.h).
[[nodiscard]] std::vector<ResolvedRoot> NamedTogether(std::span<const ResolvedRoot* const> named);

}  // namespace selftune::skillfs
