// The one test of the chosen candidate, against the present text, on queries
// that took no part in the search.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "evolution/engine.h"
#include "evolution/judge.h"

namespace selftune::evolution {

// Three runs a side, taken in turns; up to seven where an answer is missing, a
// side is tied, or the sides differ and one is not unanimous. Entries that stay
// undecided are flaky.
[[nodiscard]] Status TestHeldOut(Judge& judge, const std::string& skill, const std::string& before,
                                 const std::string& after, std::vector<HeldOutEntry>& entries);

// Does the judge tell a fitting description from an unfitting query at all?
[[nodiscard]] StatusOr<bool> JudgeDiscriminates(Judge& judge, const std::string& skill);

// Queries of neighbours that the present text leaves alone. The judge sees one
// description at a time: a query is lost when the candidate claims it as well.
struct NeighbourTest {
  int64_t losses = 0;
  int64_t undecided = 0;  // no verdict on one of the sides
};
[[nodiscard]] StatusOr<NeighbourTest> TestNeighbours(Judge& judge, const EvolveInput& input,
                                                     const std::string& candidate);

}  // namespace selftune::evolution
