// What an evolution can find out, and what that may cost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "evolution/input.h"

namespace selftune::evolution {

// What can be known before anything is spent.
struct EvolvePlan {
  int64_t train = 0, train_missed = 0;
  int64_t holdout = 0, holdout_positives = 0, holdout_negatives = 0;
  std::optional<double> minimum_gain;  // detectable with power 0.8
  int look = 1;
  std::optional<double> alpha;  // of that look; empty: looks used up
  int64_t estimated_calls = 0, estimated_tokens = 0;
  int64_t test_calls = 0, test_tokens = 0;  // of them, those of the held-out test
  std::string_view reason_code;             // "" = go
  std::string reason;
};
[[nodiscard]] EvolvePlan PlanEvolution(const EvolveInput& input);

// Number of the look to come at the held-out entries of `set`, after `looks`.
[[nodiscard]] int LookToCome(const std::vector<std::vector<std::string>>& looks,
                             const eval::EvalSet& set);

}  // namespace selftune::evolution
