// Reflective search on the training queries: parents from the per-entry Pareto
// front, children tried on a small sample first.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "evolution/engine.h"
#include "evolution/judge.h"

namespace selftune::evolution {

struct SearchResult {
  std::vector<Candidate> candidates;  // in order of proposal
  std::optional<size_t> best;         // better than the present text on training queries
  int64_t passed_before = 0, passed_best = 0, entries = 0;
  double invalid_share = 0;
  Status stopped;  // why the search ended early, OK if it did not
};

// Did a reply of the model not hold what was asked for? It costs its round only.
[[nodiscard]] bool IsRefusedReply(const Status& status);

[[nodiscard]] StatusOr<SearchResult> Search(llm::Caller& caller, Judge& judge,
                                            const EvolveInput& input);

}  // namespace selftune::evolution
