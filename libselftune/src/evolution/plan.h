// What an evolution can find out, and what that may cost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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
  std::string_view reason_code;  // "" = go
  std::string reason;
};
[[nodiscard]] EvolvePlan PlanEvolution(const EvolveInput& input);

}  // namespace selftune::evolution
