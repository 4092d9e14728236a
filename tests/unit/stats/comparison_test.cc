#include "stats/comparison.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace selftune::stats {

TEST_SUITE("stats/comparison") {
  TEST_CASE("verdicts in their order of precedence") {
    struct Case {
      const char* name;
      ComparisonInput input;
      const char* verdict;
      const char* reason;
    };
    const Case cases[] = {
        {"no difference", {.n = 40}, "no_evidence", ""},
        {"documented example", {.n = 40, .gains = 6, .losses = 1}, "weak_improvement", ""},
        {"one gain more", {.n = 40, .gains = 7, .losses = 1}, "improved", ""},
        {"two new passes", {.n = 40, .gains = 2}, "weak_improvement", ""},
        {"one new pass", {.n = 40, .gains = 1}, "no_evidence", ""},
        {"controls failed",
         {.n = 40, .gains = 9, .unscored = 30, .controls_failed = true},
         "harness_invalid",
         ""},
        {"judge gave no answers",
         {.n = 94, .gains = 9, .unscored = 6},
         "inconclusive",
         "judge_unreliable"},
        {"just enough answers", {.n = 95, .gains = 9, .unscored = 5}, "improved", ""},
        {"flaky", {.n = 79, .gains = 9, .flaky = 21}, "inconclusive", "flaky"},
        {"just stable", {.n = 80, .gains = 9, .flaky = 20}, "improved", ""},
        {"explicit request lost",
         {.n = 100, .gains = 30, .losses = 1, .explicit_regression = true},
         "rejected",
         "explicit_regression"},
        {"two regressions of 40 are 5 %", {.n = 40, .gains = 20, .losses = 2}, "improved", ""},
        {"two of 39 are too many", {.n = 39, .gains = 20, .losses = 2}, "rejected", "regressions"},
        {"over-triggering",
         {.n = 200, .gains = 40, .losses = 4, .new_false_positives = 4},
         "rejected",
         "overtriggering"},
        {"over-triggering within chance",
         {.n = 200, .gains = 40, .losses = 3, .new_false_positives = 3},
         "improved",
         ""},
        {"worse", {.n = 400, .gains = 2, .losses = 12}, "worse", ""},
        {"adjusted away", {.n = 40, .gains = 5, .adjusted_p = 0.06}, "weak_improvement", ""},
        {"capped", {.n = 40, .gains = 9, .cap_at_weak = true}, "weak_improvement", ""},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const Comparison got = Compare(c.input);
      CHECK(VerdictName(got.verdict) == c.verdict);
      CHECK(got.reason == c.reason);
    }
  }

  TEST_CASE("a weak result says what would settle it") {
    const Comparison got = Compare({.n = 40, .gains = 6, .losses = 1});
    CHECK(got.p_one_sided == doctest::Approx(0.0625));
    CHECK(got.needed_gains == 7);
    CHECK(got.entries_hint == 47);  // ceil(40 * 7 / 6)
    CHECK(Compare({.n = 40}).entries_hint == 200);
    CHECK(!Compare({.n = 40, .gains = 7, .losses = 1}).needed_gains.has_value());
  }

  TEST_CASE("swapping the sides never improves both ways") {
    for (int64_t gains = 0; gains <= 12; ++gains) {
      for (int64_t losses = 0; losses <= 12; ++losses) {
        const Verdict one = Compare({.n = 500, .gains = gains, .losses = losses}).verdict;
        const Verdict other = Compare({.n = 500, .gains = losses, .losses = gains}).verdict;
        const auto better = [](Verdict v) {
          return v == Verdict::kImproved || v == Verdict::kWeakImprovement;
        };
        CHECK(!(better(one) && better(other)));
      }
    }
  }

  TEST_CASE("Holm keeps the order given and never falls") {
    const std::vector<double> adjusted = HolmAdjust(std::vector<double>{0.2, 0.004, 0.039, 0.011});
    const std::vector<double> want = {0.2, 0.016, 0.078, 0.033};
    for (size_t i = 0; i < want.size(); ++i) CHECK(adjusted[i] == doctest::Approx(want[i]));
    CHECK(HolmAdjust({}).empty());
    CHECK(HolmAdjust(std::vector<double>{0.9, 0.8})[0] == 1);
  }

  TEST_CASE("Fisher's exact test") {
    struct Case {
      int64_t a, n1, b, n2;
      double p;
    };
    // Sums of hypergeometric probabilities, by hand as fractions.
    const Case cases[] = {
        {3, 4, 1, 4, 34.0 / 70},
        {4, 4, 0, 4, 2.0 / 70},
        {0, 5, 5, 5, 2.0 / 252},
        {2, 4, 2, 4, 1},
        {0, 10, 0, 7, 1},
        {10, 10, 7, 7, 1},
        {1, 9, 11, 14, 0.0027594561852200837},  // 1 of 9 against 11 of 14
    };
    for (const Case& c : cases) {
      CAPTURE(c.a);
      CAPTURE(c.b);
      CHECK(FisherTwoSided(c.a, c.n1, c.b, c.n2) == doctest::Approx(c.p).epsilon(1e-9));
      CHECK(FisherTwoSided(c.b, c.n2, c.a, c.n1) == doctest::Approx(c.p).epsilon(1e-9));
    }
    CHECK(FisherTwoSided(0, 0, 3, 5) == 1);
  }

  TEST_CASE("Mann-Whitney") {
    const std::vector<double> low = {1, 2, 3, 4, 5, 6, 7, 8};
    const std::vector<double> high = {11, 12, 13, 14, 15, 16, 17, 18};
    CHECK(MannWhitneyGreater(high, low) == doctest::Approx(1.0 / 12870));
    CHECK(MannWhitneyGreater(low, high) == doctest::Approx(1));
    // Ranks {2, 4} of four: rank sums are 3 4 5 5 6 7, two of six are >= 6.
    CHECK(MannWhitneyGreater(std::vector<double>{2, 4}, std::vector<double>{1, 3}) ==
          doctest::Approx(2.0 / 6));
    CHECK(MannWhitneyGreater({}, low) == 1);
    const std::vector<double> equal(10, 3.0);
    CHECK(MannWhitneyGreater(equal, equal) == 1);
    // Large samples: the normal approximation, close to the exact one.
    std::vector<double> odd, even;
    for (int i = 0; i < 60; ++i) {
      odd.push_back(2 * i + 1);
      even.push_back(2 * i);
    }
    CHECK(MannWhitneyGreater(odd, even) == doctest::Approx(0.4386).epsilon(0.01));
  }
}

}  // namespace selftune::stats
