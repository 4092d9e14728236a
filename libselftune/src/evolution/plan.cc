#include "evolution/plan.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "stats/power.h"
#include "stats/promotion.h"

namespace selftune::evolution {
namespace {

constexpr int64_t kMinHeldOut = 12;
constexpr int64_t kMinPerSide = 5;
constexpr int64_t kTokensPerQuery = 40;
constexpr int64_t kTokensPerCall = 400;
constexpr int64_t kProposalTokens = 3500;

int64_t Batches(int64_t entries) { return (entries + 49) / 50; }

// Three runs a side, the search in full.
void Estimate(const EvolveInput& input, EvolvePlan& plan) {
  plan.test_calls = 2 * stats::kMinRuns * Batches(plan.holdout);
  plan.test_tokens =
      2 * stats::kMinRuns * plan.holdout * kTokensPerQuery + plan.test_calls * kTokensPerCall;
  const int64_t search = static_cast<int64_t>(input.rounds) * (1 + 3 + 3 * Batches(plan.train));
  const int64_t judging = 3 * Batches(plan.train) + 6 * Batches(plan.holdout) + 3;
  plan.estimated_calls = search + judging;
  plan.estimated_tokens =
      static_cast<int64_t>(input.rounds) * (kProposalTokens + 3 * plan.train * kTokensPerQuery) +
      3 * plan.train * kTokensPerQuery + 6 * plan.holdout * kTokensPerQuery +
      plan.estimated_calls * kTokensPerCall;
}

void Refuse(EvolvePlan& plan) {
  if (!plan.alpha.has_value()) {
    plan.reason_code = "hold";
    plan.reason = "the held-out prompts were looked at three times; 20 new ones open the next look";
  } else if (plan.holdout < kMinHeldOut || plan.holdout_positives < kMinPerSide ||
             plan.holdout_negatives < kMinPerSide) {
    plan.reason_code = "insufficient_evidence";
    plan.reason = fmt::format(
        "{} held-out prompts ({} that should trigger, {} that should not); at least {} with {} of "
        "each kind are needed",
        plan.holdout, plan.holdout_positives, plan.holdout_negatives, kMinHeldOut, kMinPerSide);
  } else if (!plan.minimum_gain.has_value() || *plan.minimum_gain > 0.5) {
    plan.reason_code = "insufficient_evidence";
    plan.reason = "the held-out prompts are too few to detect a gain of 50 %";
  } else if (plan.train_missed == 0) {
    plan.reason_code = "no_patterns";
    plan.reason = "no training prompt is known that should have triggered the skill and did not";
  }
}

}  // namespace

EvolvePlan PlanEvolution(const EvolveInput& input) {
  EvolvePlan plan;
  for (const eval::EvalEntry& entry : input.set.entries) {
    if (stats::IsHeldOut(entry.split)) {
      ++plan.holdout;
      ++(entry.should_trigger ? plan.holdout_positives : plan.holdout_negatives);
    } else {
      ++plan.train;
      plan.train_missed += entry.missed ? 1 : 0;
    }
  }
  plan.look = LookToCome(input.looks, input.set);
  plan.alpha = stats::AlphaForLook(plan.look);
  plan.minimum_gain = stats::MinimumDetectableGain(plan.holdout);
  Estimate(input, plan);
  Refuse(plan);
  return plan;
}

int LookToCome(const std::vector<std::vector<std::string>>& looks, const eval::EvalSet& set) {
  std::set<std::string_view> seen;
  std::vector<int64_t> unseen;
  for (const std::vector<std::string>& look : looks) {
    int64_t first_time = 0;
    for (const std::string& id : look) first_time += seen.insert(id).second ? 1 : 0;
    unseen.push_back(first_time);
  }
  const auto now =
      std::count_if(set.entries.begin(), set.entries.end(), [&](const eval::EvalEntry& entry) {
        return stats::IsHeldOut(entry.split) && !seen.contains(entry.id);
      });
  return stats::NextLook(unseen, now);
}

}  // namespace selftune::evolution
