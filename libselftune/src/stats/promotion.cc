#include "stats/promotion.h"

#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

#include "stats/sign_test.h"

namespace selftune::stats {
namespace {

constexpr double kAlphas[] = {0.05, 0.025, 0.0125};
constexpr int64_t kNewEntriesForNewPeriod = 20;
constexpr int64_t kMinPositives = 5;
constexpr int64_t kMinNegatives = 5;
constexpr int64_t kFewNegatives = 30;  // below, no negative may be lost
constexpr double kMaxNegativeLossRate = 0.03;
constexpr int64_t kCanaryGains = 3;

bool NegativesClean(const PromotionInput& input) {
  if (input.negatives < kFewNegatives) return input.negative_losses == 0;
  return static_cast<double>(input.negative_losses) <=
         kMaxNegativeLossRate * static_cast<double>(input.negatives);
}

// What the held-out entries themselves say; "" = nothing against PROMOTE.
std::string_view Objection(const PromotionInput& input, double p, double alpha) {
  if (!NegativesClean(input)) return "negative_losses";
  if (p > alpha) return "not_significant";
  if (input.positives < kMinPositives) return "too_few_positives";
  if (input.negatives < kMinNegatives) return "too_few_negatives";
  return "";
}

}  // namespace

std::optional<double> AlphaForLook(int look) {
  if (look < 1 || look > static_cast<int>(std::size(kAlphas))) return std::nullopt;
  return kAlphas[look - 1];
}

int NextLook(std::span<const int64_t> unseen_at_looks, int64_t unseen_now) {
  int look = 0;
  const auto count = [&](int64_t unseen) {
    look = unseen >= kNewEntriesForNewPeriod ? 1 : look + 1;
  };
  for (const int64_t unseen : unseen_at_looks) count(unseen);
  count(unseen_now);
  return look;
}

std::string_view TierName(Tier tier) {
  switch (tier) {
    case Tier::kPromote:
      return "PROMOTE";
    case Tier::kCanary:
      return "CANARY";
    case Tier::kHold:
      return "HOLD";
  }
  return "HOLD";
}

PromotionDecision DecidePromotion(const PromotionInput& input) {
  PromotionDecision decision;
  decision.p = SignTest(input.gains, input.losses);
  const std::optional<double> alpha = AlphaForLook(input.look);
  decision.alpha = alpha.value_or(0);
  if (!alpha.has_value()) {
    decision.reason = "looks_exhausted";
    return decision;
  }
  decision.reason = Objection(input, decision.p, *alpha);
  const bool promote = decision.reason.empty();
  const bool canary = input.losses == 0 && input.gains >= kCanaryGains && NegativesClean(input);
  if (!promote && !canary) return decision;
  // Neighbours are looked at last: they cost runs of their own.
  if (input.neighbours == Neighbours::kNotAsked) {
    decision.reason = "neighbours_not_asked";
  } else if (input.neighbours == Neighbours::kRegressed) {
    decision.reason = "neighbour_regression";
  } else if (input.neighbours == Neighbours::kNotAffordable) {
    decision.reason = "budget_exhausted";
  } else if (input.neighbours == Neighbours::kUndecided) {
    decision.reason = "judge_unreliable";
  } else {
    decision.tier = promote ? Tier::kPromote : Tier::kCanary;
  }
  return decision;
}

}  // namespace selftune::stats
