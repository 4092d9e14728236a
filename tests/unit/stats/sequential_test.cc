#include "stats/sequential.h"

#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include <doctest/doctest.h>

#include "stats/wilson.h"

namespace selftune::stats {
namespace {

WatchCounts Sessions(int64_t bad, int64_t good) {
  return {.bad = bad, .good = good, .distinct_days = 1, .distinct_sessions = bad + good};
}

}  // namespace

TEST_SUITE("stats/sequential") {
  TEST_CASE("the null rate comes from the sessions before the deploy") {
    CHECK(WatchNullRate(16, 20) == doctest::Approx(0.5647).epsilon(1e-4));
    CHECK(WatchNullRate(18, 20) == doctest::Approx(0.6816).epsilon(1e-4));
    CHECK(WatchNullRate(9, 9) == 0.4);
    CHECK(WatchNullRate(0, 0) == 0.4);
    CHECK(WatchNullRate(0, 50) == 0.05);
    CHECK(WatchNullRate(50, 50) < 1);
  }

  TEST_CASE("bad sessions in a row reach the rollback boundary as documented") {
    struct Case {
      double q;
      int64_t in_a_row;
    };
    const Case cases[] = {{0.5, 7}, {0.6, 5}, {0.7, 4}, {0.8, 3}};
    for (const Case& c : cases) {
      CAPTURE(c.q);
      CHECK(EDown(c.in_a_row, 0, c.q) >= 20);
      CHECK(EDown(c.in_a_row - 1, 0, c.q) < 20);
      const int64_t decided = std::max<int64_t>(5, c.in_a_row);
      CHECK(DecideWatch(Sessions(decided, 0), {.q = c.q}).outcome == WatchOutcome::kRegressed);
      CHECK(DecideWatch(Sessions(decided - 1, 0), {.q = c.q}).outcome == WatchOutcome::kWatching);
      CHECK(DecideWatch({}, {.q = c.q}).bad_needed == decided);
    }
  }

  TEST_CASE("good sessions in a row confirm as documented") {
    struct Case {
      double q;
      int64_t in_a_row;
    };
    const Case cases[] = {{0.5, 7}, {0.6, 9}, {0.7, 13}, {0.8, 21}};
    for (const Case& c : cases) {
      CAPTURE(c.q);
      CHECK(DecideWatch(Sessions(0, c.in_a_row), {.q = c.q}).outcome == WatchOutcome::kConfirmed);
      const WatchDecision before = DecideWatch(Sessions(0, c.in_a_row - 1), {.q = c.q});
      CHECK(before.outcome == WatchOutcome::kWatching);
      CHECK(before.good_needed == 1);
      CHECK(DecideWatch({}, {.q = c.q}).good_needed == c.in_a_row);
    }
  }

  TEST_CASE("a decision needs five observations, from three days or five sessions") {
    const WatchRules rules = {.q = 0.6};
    WatchCounts counts = {.bad = 5, .distinct_days = 2, .distinct_sessions = 4};
    CHECK(DecideWatch(counts, rules).outcome == WatchOutcome::kWatching);
    counts.distinct_sessions = 5;
    CHECK(DecideWatch(counts, rules).outcome == WatchOutcome::kRegressed);
    counts.distinct_sessions = 4;
    counts.distinct_days = 3;
    CHECK(DecideWatch(counts, rules).outcome == WatchOutcome::kRegressed);
    counts.bad = 4;
    CHECK(DecideWatch(counts, rules).outcome == WatchOutcome::kWatching);
  }

  TEST_CASE("a watch ends without a verdict at its limits, but evidence comes first") {
    const WatchRules rules = {.q = 0.6};
    WatchCounts counts = Sessions(24, 36);
    CHECK(DecideWatch(counts, rules).outcome == WatchOutcome::kInconclusive);
    CHECK(!DecideWatch(counts, rules).bad_needed.has_value());
    counts = Sessions(23, 36);
    CHECK(DecideWatch(counts, rules).outcome == WatchOutcome::kWatching);
    counts.age_days = 30;
    CHECK(DecideWatch(counts, rules).outcome == WatchOutcome::kInconclusive);
    WatchCounts bad = Sessions(60, 0);
    bad.age_days = 90;
    CHECK(DecideWatch(bad, rules).outcome == WatchOutcome::kRegressed);
    CHECK(DecideWatch({.age_days = 30}, rules).outcome == WatchOutcome::kInconclusive);
  }

  TEST_CASE("a canary is rolled back on less evidence") {
    CHECK(DecideWatch(Sessions(5, 0), {.q = 0.5}).outcome == WatchOutcome::kWatching);
    CHECK(DecideWatch(Sessions(5, 0), {.q = 0.5, .alpha = kCanaryAlpha}).outcome ==
          WatchOutcome::kRegressed);
  }

  TEST_CASE("the documented operating characteristics, also over 200 sessions") {
    struct Case {
      double q, rate, rollback50, confirmed50, rollback200;
    };
    const Case cases[] = {
        {0.6, 0.9, 0.0000, 0.995, 0.0000},
        {0.6, 0.8, 0.0004, 0.712, 0.0004},
        {0.6, 0.7, 0.0037, 0.190, 0.0038},
        {0.6, 0.6, 0.0273, 0.025, 0.0327},
        {0.6, 0.5, 0.180, 0.003, 0.537},
        {0.6, 0.4, 0.621, 0.000, 0.997},
        {0.6, 0.3, 0.956, 0.000, 1},
        {0.6, 0.2, 1, 0, 1},
        {0.6, 0.1, 1, 0, 1},
        {0.7, 0.9, 0.0001, 0.854, 0.0001},
        {0.7, 0.7, 0.0226, 0.023, 0.0267},
        {0.7, 0.5, 0.634, 0.000, 0.998},
        {0.7, 0.3, 0.999, 0.000, 1},
    };
    for (const Case& c : cases) {
      CAPTURE(c.q);
      CAPTURE(c.rate);
      const OperatingCharacteristics at50 = WatchCharacteristics(c.q, c.rate, 50, 20, 20, 5);
      const OperatingCharacteristics at200 = WatchCharacteristics(c.q, c.rate, 200, 20, 20, 5);
      CHECK(std::abs(at50.p_rollback - c.rollback50) <= 0.0006);
      CHECK(std::abs(at50.p_confirm - c.confirmed50) <= 0.0006);
      CHECK(std::abs(at200.p_rollback - c.rollback200) <= 0.0006);
      CHECK(at50.p_rollback + at50.p_confirm + at50.p_open == doctest::Approx(1));
    }
    CHECK(WatchCharacteristics(0.6, 0.1, 50, 20, 20, 5).median_observations == 5);
  }

  TEST_CASE("false rollback stays below alpha at the boundary for every q and alpha") {
    for (double q = 0.05; q < 0.96; q += 0.05) {
      for (const double alpha : {0.01, 0.05, 0.10}) {
        CAPTURE(q);
        CAPTURE(alpha);
        CHECK(WatchCharacteristics(q, q, 200, 1 / alpha, 1e18, 1).p_rollback <= alpha);
        CHECK(WatchCharacteristics(q, q, 200, 1e18, 1 / alpha, 1).p_confirm <= alpha);
      }
    }
  }

  TEST_CASE("drift: mean run lengths of the CUSUM are the simulated ones") {
    // Exact by a fine grid of the statistic would be a test of its own; the
    // documented values allow 10 %, so a seeded simulation is enough.
    struct Case {
      double p0, p1, h, false_alarm, detection;
    };
    const Case cases[] = {
        {0.9, 0.7, 3.5, 434, 20}, {0.8, 0.6, 3.5, 478, 28}, {0.7, 0.5, 3.5, 543, 34}};
    uint64_t state = 12345;
    const auto uniform = [&state] {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      return static_cast<double>(state >> 11) / 9007199254740992.0;
    };
    for (const Case& c : cases) {
      const auto mean_run = [&](double rate) {
        double sum = 0;
        constexpr int kRuns = 3000;
        for (int run = 0; run < kRuns; ++run) {
          Cusum cusum(c.p0, c.p1);
          int64_t length = 1;
          while (!cusum.Add(uniform() < rate, c.h)) ++length;
          sum += static_cast<double>(length);
        }
        return sum / kRuns;
      };
      CAPTURE(c.p0);
      CHECK(mean_run(c.p0) == doctest::Approx(c.false_alarm).epsilon(0.10));
      CHECK(mean_run(c.p1) == doctest::Approx(c.detection).epsilon(0.10));
    }
  }

  TEST_CASE("old outcomes fade") {
    CHECK(DecayedRate({}).n == 0);
    const std::vector<AgedOutcome> fresh(10, {.age_days = 0, .good = true});
    CHECK(DecayedRate(fresh).n == doctest::Approx(10));
    CHECK(DecayedRate(fresh).rate == 1);
    // Equal age: weights cancel.
    const std::vector<AgedOutcome> old(10, {.age_days = 28, .good = false});
    CHECK(DecayedRate(old).n == doctest::Approx(10));
    CHECK(DecayedRate(old).rate == 0);
    const std::vector<AgedOutcome> mixed = {{.age_days = 0, .good = true},
                                            {.age_days = 14, .good = false}};
    CHECK(DecayedRate(mixed).rate == doctest::Approx(2.0 / 3));
    CHECK(DecayedRate(mixed).n == doctest::Approx(1.8));
    CHECK(DecayedRate(mixed).good == doctest::Approx(1.2));
  }
}

}  // namespace selftune::stats
