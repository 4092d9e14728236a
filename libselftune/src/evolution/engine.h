// Searches for a better description on training queries, then tests one
// candidate once on queries that nobody looked at before.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "evolution/constitution.h"
#include "evolution/input.h"
#include "evolution/judge.h"
#include "evolution/plan.h"
#include "llm/caller.h"
#include "stats/power.h"
#include "stats/promotion.h"

namespace selftune::evolution {

enum class CandidateFate { kBest, kConstitution, kNoGain, kSuperseded };
struct Candidate {
  std::string description, rationale;
  double confidence = 0;
  CandidateFate fate = CandidateFate::kSuperseded;
  std::string details;                // violations, or figures
  std::vector<Violation> violations;  // of the constitution, when that refused it
  std::vector<std::string> review;    // why a person has to see it before it is deployed
  int round = 0;
};

// One held-out (or neighbour) query, both sides.
struct HeldOutEntry {
  std::string id, query;
  bool should_trigger = true;
  JudgeTally before, after;
  bool flaky = false;
  // Fewer than three answers on a side say nothing.
  [[nodiscard]] bool valid() const {
    return std::min(before.runs(), after.runs()) >= stats::kMinRuns;
  }
  [[nodiscard]] bool counted() const { return valid() && !flaky; }
  [[nodiscard]] bool gain() const;
  [[nodiscard]] bool loss() const;
};

struct EvolveResult {
  // promoted canary hold no_patterns insufficient_evidence no_candidate_improved
  // constitution judge_unreliable harness_invalid neighbour_regression budget_exhausted dry_run
  // error
  std::string_view reason_code;
  std::string reason;
  EvolvePlan plan;
  std::vector<Candidate> candidates;
  std::optional<size_t> best;  // of candidates
  int64_t train_passed_before = 0, train_passed_best = 0;
  std::vector<HeldOutEntry> held_out;
  int64_t gains = 0, losses = 0, counted = 0, invalid = 0, flaky = 0;
  int64_t passed_before = 0, passed_after = 0;
  stats::PromotionDecision decision;
  bool looked = false;  // a look at the held-out set was charged
  bool tested = false;  // and its figures are complete
  Status failure;       // why it ended early; what was found until then is above
};

// The look that was written down; empty alpha: none is left, nothing was.
struct ChargedLook {
  int look = 1;
  std::optional<double> alpha;
  // A proposal with these texts that was tested on these very prompts and held
  // back: its look counts, no other was written down. "" = there is none.
  std::string held_before;
};
// Writes down that the held-out set is going to be looked at, before the first
// question about it: from then on the look counts, whatever becomes of the test.
using ChargeLook = std::function<StatusOr<ChargedLook>(const EvolveResult& result)>;

// Spends through `caller` only. A failing model call ends it; when the budget ends
// the search, what was found before still goes into the held-out test if the
// remainder covers it. No look is charged for a test that cannot be made. Without
// `charge` (a dry run) nobody looks at the held-out set: a figure of it that was
// seen has been used up.
[[nodiscard]] EvolveResult Evolve(llm::Caller& caller, const EvolveInput& input,
                                  const ChargeLook& charge);

}  // namespace selftune::evolution
