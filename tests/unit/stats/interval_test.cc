#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include "stats/beta.h"
#include "stats/judge.h"
#include "stats/shuffle.h"
#include "stats/sign_test.h"
#include "stats/wilson.h"

namespace selftune::stats {

TEST_SUITE("stats/interval") {
  TEST_CASE("intervals are ordered, contain the rate and stay in [0, 1]") {
    for (int64_t n = 0; n <= 60; ++n) {
      for (int64_t k = 0; k <= n; ++k) {
        const Interval wilson = Wilson(static_cast<double>(k), static_cast<double>(n));
        const Interval exact = ClopperPearson(k, n);
        const double rate = n == 0 ? 0.5 : static_cast<double>(k) / static_cast<double>(n);
        for (const Interval& i : {wilson, exact}) {
          CHECK(i.lo >= 0);
          CHECK(i.lo <= rate);
          CHECK(rate <= i.hi);
          CHECK(i.hi <= 1);
        }
      }
    }
  }

  TEST_CASE("Clopper-Pearson covers the true rate as often as promised") {
    for (const int64_t n : {5, 20, 57}) {
      for (double p = 0.02; p < 1; p += 0.07) {
        double covered = 0;
        for (int64_t k = 0; k <= n; ++k) {
          const Interval i = ClopperPearson(k, n);
          if (i.lo <= p && p <= i.hi) covered += BinomialPmf(k, n, p);
        }
        CAPTURE(n);
        CAPTURE(p);
        CHECK(covered >= 0.95);
      }
    }
  }

  TEST_CASE("beta and binomial agree with each other and invert") {
    for (const double x : {0.001, 0.2, 0.5, 0.77, 0.999}) {
      CHECK(RegularizedBeta(x, 1, 1) == doctest::Approx(x));
      CHECK(RegularizedBeta(x, 3, 8) == doctest::Approx(BinomialAtLeast(3, 10, x)));
      CHECK(RegularizedBeta(x, 2.5, 4) + RegularizedBeta(1 - x, 4, 2.5) == doctest::Approx(1));
      CHECK(RegularizedBeta(InverseRegularizedBeta(x, 6, 2), 6, 2) == doctest::Approx(x));
    }
    CHECK(RegularizedBeta(0, 2, 3) == 0);
    CHECK(RegularizedBeta(1, 2, 3) == 1);
    CHECK(BinomialAtMost(3, 10, 0.4) + BinomialAtLeast(4, 10, 0.4) == doctest::Approx(1));
    CHECK(BinomialPmf(11, 10, 0.4) == 0);
    CHECK(BinomialAtLeast(500, 1000, 0.5) == doctest::Approx(0.5126).epsilon(1e-3));
    CHECK(ClopperPearson(1, 100'000).hi == doctest::Approx(5.57e-5).epsilon(1e-2));
  }

  TEST_CASE("the sign test is continuous where its method changes") {
    for (int64_t m = 55; m <= 66; ++m) {
      for (int64_t gains = 0; gains <= m; ++gains) {
        CHECK(SignTest(gains, m - gains) ==
              doctest::Approx(BinomialAtLeast(gains, m, 0.5)).epsilon(1e-9));
      }
    }
    CHECK(SignTest(1000, 900) < 0.012);
    CHECK(MinGains(0, 0) > 1000);  // ends even for an impossible level
    CHECK(MinGains(100, 0.05) == 126);
  }

  TEST_CASE("paired difference stays in range") {
    CHECK(AgrestiMin(0, 0, 0).lo == -1);
    CHECK(AgrestiMin(1, 0, 1).hi <= 1);
    CHECK(AgrestiMin(0, 1, 1).lo >= -1);
    CHECK(AgrestiMin(7, 1, 40).d == doctest::Approx(-AgrestiMin(1, 7, 40).d));
  }
}

TEST_SUITE("stats/judge") {
  TEST_CASE("agreement of degenerate tables") {
    CHECK(CohenKappa({}).kappa == 0);
    const Agreement same = CohenKappa({.both_pass = 40});
    CHECK(same.kappa == 1);
    CHECK(!same.specificity.has_value());
    const Agreement good =
        CohenKappa({.both_pass = 40, .judge_only = 3, .human_only = 2, .both_fail = 15});
    CHECK(good.calibrated);
    CHECK(*good.sensitivity == doctest::Approx(40.0 / 42));
    CHECK(*good.specificity == doctest::Approx(15.0 / 18));
    CHECK(!CohenKappa({.both_pass = 15, .both_fail = 14}).calibrated);  // 29 labels
    CHECK(!CohenKappa({.both_pass = 15, .judge_only = 8, .both_fail = 15}).calibrated);
  }

  TEST_CASE("corrected rate") {
    CHECK(*CorrectedRate(0.7, 1, 1) == doctest::Approx(0.7));
    CHECK(*CorrectedRate(0.7, 0.9, 0.8) == doctest::Approx(0.5 / 0.7));
    CHECK(*CorrectedRate(0.05, 0.9, 0.8) == 0);
    CHECK(*CorrectedRate(0.99, 0.9, 0.8) == 1);
    CHECK(!CorrectedRate(0.5, 0.5, 0.5).has_value());
  }

  TEST_CASE("calibration of extreme scores and empty input") {
    CHECK(BrierScore({}) == 0);
    CHECK(ExpectedCalibrationError({}) == 0);
    const std::vector<ScoredOutcome> sure = {{1.0, true}, {0.0, false}};
    CHECK(BrierScore(sure) == 0);
    CHECK(ExpectedCalibrationError(sure) == 0);
    const std::vector<ScoredOutcome> wrong = {{1.0, false}, {0.0, true}};
    CHECK(ExpectedCalibrationError(wrong) == 1);
  }

  TEST_CASE("entries of one session count as one when they say the same") {
    std::vector<ClusteredValue> values;
    for (uint64_t session = 0; session < 10; ++session) {
      for (int i = 0; i < 4; ++i) values.push_back({session % 2 == 0 ? 1.0 : 0.0, session});
    }
    const ClusteredMean got = MeanByCluster(values);
    CHECK(got.mean == doctest::Approx(0.5));
    CHECK(got.design_effect == doctest::Approx(4));
    CHECK(got.se == doctest::Approx(2 * got.se_iid));
    for (size_t i = 0; i < values.size(); ++i) values[i].cluster = i;
    CHECK(MeanByCluster(values).design_effect == doctest::Approx(1));
    CHECK(MeanByCluster({}).se == 0);
  }
}

TEST_SUITE("stats/shuffle") {
  TEST_CASE("small and empty lists") {
    std::vector<int> empty;
    SeededShuffle(empty, 1);
    CHECK(empty.empty());
    std::vector<int> one = {5};
    SeededShuffle(one, 1);
    CHECK(one == std::vector<int>{5});
  }

  TEST_CASE("streams of one seed differ and repeat") {
    CHECK(StreamSeed(42, "shuffle") == StreamSeed(42, "shuffle"));
    CHECK(StreamSeed(42, "shuffle") != StreamSeed(42, "bootstrap"));
    CHECK(StreamSeed(42, "shuffle") != StreamSeed(43, "shuffle"));
  }
}

}  // namespace selftune::stats
