// May a changed description be deployed? (evolution: when is a change good
// enough)
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace selftune::stats {

// Alpha of the k-th look at the held-out set: 0.05, 0.025, 0.0125; then
// nullopt, which means HOLD.
[[nodiscard]] std::optional<double> AlphaForLook(int look);

// Number of the look to come (from 1). `unseen_at_looks`: for each earlier look,
// oldest first, how many of its held-out entries no look before it had seen;
// `unseen_now`: the same of the present set. 20 of them start a new period.
[[nodiscard]] int NextLook(std::span<const int64_t> unseen_at_looks, int64_t unseen_now);

enum class Tier { kPromote, kCanary, kHold };
[[nodiscard]] std::string_view TierName(Tier tier);  // PROMOTE CANARY HOLD

// The three most similar skills, with the candidate staged.
enum class Neighbours { kNotAsked, kClean, kRegressed, kNotAffordable, kUndecided };

struct PromotionInput {
  int64_t gains = 0;   // over all counted held-out entries
  int64_t losses = 0;  // positive and negative ones
  int64_t negative_losses = 0;
  int64_t positives = 0;  // counted held-out entries
  int64_t negatives = 0;
  int look = 1;
  Neighbours neighbours = Neighbours::kNotAsked;
};

struct PromotionDecision {
  Tier tier = Tier::kHold;
  double p = 1;      // of the sign test
  double alpha = 0;  // of this look, 0 = none left
  // Why not PROMOTE: looks_exhausted too_few_positives too_few_negatives
  // negative_losses not_significant neighbours_not_asked neighbour_regression
  // budget_exhausted judge_unreliable; "" for PROMOTE.
  std::string_view reason;
};

// A CANARY may deploy only if the policy `auto_canary` says so; that is the
// caller's business.
[[nodiscard]] PromotionDecision DecidePromotion(const PromotionInput& input);

}  // namespace selftune::stats
