#include "stats/promotion.h"

#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace selftune::stats {

TEST_SUITE("stats/promotion") {
  TEST_CASE("the worked cases of the evolution rules") {
    struct Case {
      int64_t gains, losses;
      int look;
      Tier tier;
      double p;
    };
    const Case cases[] = {
        {5, 0, 1, Tier::kPromote, 0.03125},
        {5, 0, 2, Tier::kCanary, 0.03125},
        {6, 0, 2, Tier::kPromote, 0.015625},
        {6, 0, 3, Tier::kCanary, 0.015625},
        {7, 0, 3, Tier::kPromote, 0.0078125},
        {4, 0, 1, Tier::kCanary, 0.0625},
        {3, 0, 1, Tier::kCanary, 0.125},
        {7, 1, 1, Tier::kPromote, 9.0 / 256},
        {6, 1, 1, Tier::kHold, 8.0 / 128},
        {9, 2, 1, Tier::kPromote, 67.0 / 2048},
        {8, 2, 1, Tier::kHold, 56.0 / 1024},
        {2, 0, 1, Tier::kHold, 0.25},
        {0, 0, 1, Tier::kHold, 1},
        {0, 3, 1, Tier::kHold, 1},
    };
    for (const Case& c : cases) {
      CAPTURE(c.gains);
      CAPTURE(c.losses);
      CAPTURE(c.look);
      const PromotionDecision got = DecidePromotion({.gains = c.gains,
                                                     .losses = c.losses,
                                                     .positives = 20,
                                                     .negatives = 20,
                                                     .look = c.look,
                                                     .neighbours = Neighbours::kClean});
      CHECK(TierName(got.tier) == TierName(c.tier));
      CHECK(got.p == doctest::Approx(c.p).epsilon(1e-12));
      CHECK(got.reason == (c.tier == Tier::kPromote ? "" : "not_significant"));
    }
  }

  TEST_CASE("every condition can hold a significant change back") {
    const PromotionInput good = {.gains = 9,
                                 .losses = 0,
                                 .positives = 20,
                                 .negatives = 20,
                                 .neighbours = Neighbours::kClean};
    struct Case {
      const char* name;
      PromotionInput input;
      Tier tier;
      const char* reason;
    };
    PromotionInput few_positives = good, few_negatives = good, negative = good, many = good,
                   too_many = good, neighbour = good, costly = good, unasked = good, spent = good;
    few_positives.positives = 4;
    few_negatives.negatives = 4;
    negative.losses = negative.negative_losses = 1;
    many.losses = many.negative_losses = 1;
    many.negatives = 34;  // 1/34 <= 0.03
    too_many.losses = too_many.negative_losses = 1;
    too_many.negatives = 33;  // 1/33 > 0.03
    neighbour.neighbours = Neighbours::kRegressed;
    costly.neighbours = Neighbours::kNotAffordable;
    unasked.neighbours = PromotionInput().neighbours;
    spent.look = 4;
    const Case cases[] = {
        {"good", good, Tier::kPromote, ""},
        {"few positives", few_positives, Tier::kCanary, "too_few_positives"},
        {"few negatives", few_negatives, Tier::kCanary, "too_few_negatives"},
        {"a negative lost", negative, Tier::kHold, "negative_losses"},
        {"one of many negatives lost", many, Tier::kPromote, ""},
        {"one too many", too_many, Tier::kHold, "negative_losses"},
        {"neighbour", neighbour, Tier::kHold, "neighbour_regression"},
        {"no budget for the neighbours", costly, Tier::kHold, "budget_exhausted"},
        {"neighbours that nobody asked", unasked, Tier::kHold, "neighbours_not_asked"},
        {"fourth look", spent, Tier::kHold, "looks_exhausted"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const PromotionDecision got = DecidePromotion(c.input);
      CHECK(TierName(got.tier) == TierName(c.tier));
      CHECK(got.reason == c.reason);
    }
  }

  TEST_CASE("alpha is spent over three looks and their sum is bounded") {
    CHECK(AlphaForLook(1) == 0.05);
    CHECK(AlphaForLook(2) == 0.025);
    CHECK(AlphaForLook(3) == 0.0125);
    CHECK(!AlphaForLook(4).has_value());
    CHECK(!AlphaForLook(0).has_value());
  }

  TEST_CASE("twenty held-out entries that no look saw start a new period") {
    struct Case {
      std::vector<int64_t> earlier;
      int64_t now;
      int look;
    };
    const Case cases[] = {
        {{}, 30, 1},
        {{30}, 0, 2},
        {{30}, 19, 2},
        {{30}, 20, 1},
        {{30, 10}, 9, 3},
        {{30, 10, 5}, 19, 4},
        {{30, 10, 5}, 20, 1},
        {{30, 20}, 0, 2},
        {{30, 20, 10, 9}, 19, 4},
        {{30, 20, 10, 9}, 20, 1},
        {{3}, 0, 2},
    };
    for (const Case& c : cases) {
      CAPTURE(c.now);
      CHECK(NextLook(c.earlier, c.now) == c.look);
    }
  }
}

}  // namespace selftune::stats
