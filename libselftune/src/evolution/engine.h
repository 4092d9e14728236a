// Searches for a better description on training queries, then tests one
// candidate once on queries that nobody looked at before.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
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
  std::string details;  // violations, or figures
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
  // judge_unreliable harness_invalid neighbour_regression budget_exhausted
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
  bool tested = false;  // the held-out set was looked at
};

// Spends through `caller` only. A failing model call ends the search; what was
// found before still goes into the held-out test if the budget allows it.
[[nodiscard]] StatusOr<EvolveResult> Evolve(llm::Caller& caller, const EvolveInput& input);

}  // namespace selftune::evolution
