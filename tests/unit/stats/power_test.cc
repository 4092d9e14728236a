#include "stats/power.h"

#include <cstdint>
#include <optional>

#include <doctest/doctest.h>

namespace selftune::stats {

TEST_SUITE("stats/power") {
  TEST_CASE("entries needed for power 0.8, as the evolution table has them") {
    struct Case {
      double gain, loss;
      int64_t entries;
    };
    const Case cases[] = {{0.50, 0, 12},    {0.30, 0, 21},    {0.20, 0, 33},
                          {0.15, 0, 44},    {0.10, 0, 66},    {0.30, 0.05, 37},
                          {0.30, 0.10, 67}, {0.20, 0.05, 74}, {0.15, 0.03, 83}};
    for (const Case& c : cases) {
      CAPTURE(c.gain);
      CAPTURE(c.loss);
      CHECK(EntriesForPower(c.gain, c.loss) == c.entries);
    }
    CHECK(!EntriesForPower(0.1, 0.1, 0.05, 0.8, 300).has_value());  // no net gain
    CHECK(!EntriesForPower(0, 0).has_value());
  }

  TEST_CASE("below twelve entries only an implausible gain could be found") {
    CHECK(MinimumDetectableGain(12) == 0.5);
    for (int64_t n = 5; n < 12; ++n) {
      CAPTURE(n);
      REQUIRE(MinimumDetectableGain(n).has_value());
      CHECK(*MinimumDetectableGain(n) > 0.5);
    }
    for (int64_t n = -1; n < 5; ++n) CHECK(!MinimumDetectableGain(n).has_value());
    std::optional<double> last = MinimumDetectableGain(12);
    for (int64_t n = 13; n <= 200; ++n) {
      const std::optional<double> gain = MinimumDetectableGain(n);
      REQUIRE(gain.has_value());
      CHECK(*gain <= *last);
      last = gain;
    }
  }

  TEST_CASE("degenerate questions have answers") {
    CHECK(SignTestPower(0, 0.5, 0, 0.05) == 0);
    CHECK(SignTestPower(20, 0, 0, 0.05) == 0);
    CHECK(SignTestPower(20, 0, 0.5, 0.05) == doctest::Approx(0));
    CHECK(SignTestPower(20, 1, 0, 0.05) == doctest::Approx(1));
    CHECK(SignTestPower(500, 0.12, 0.02, 0.05) > 0.999);
    CHECK(MajorityError(0, 3) == 0);
    CHECK(MajorityError(1, 3) == 1);
    CHECK(MajorityError(0.5, 7) == doctest::Approx(0.5));
  }

  TEST_CASE("an entry is run again only while that can matter") {
    struct Case {
      const char* name;
      RunTally before, after;
      int wanted;
      bool unstable = false;  // on one of the sides
    };
    const Case cases[] = {
        {"never run", {}, {}, 3, true},
        {"one side short", {.passes = 3, .runs = 3}, {.passes = 1, .runs = 1}, 3, false},
        {"same verdict", {.passes = 2, .runs = 3}, {.passes = 3, .runs = 3}, 3, true},
        {"clear gain", {.passes = 0, .runs = 3}, {.passes = 3, .runs = 3}, 3, false},
        {"unclear gain", {.passes = 1, .runs = 3}, {.passes = 3, .runs = 3}, 5, true},
        {"unclear loss", {.passes = 3, .runs = 3}, {.passes = 1, .runs = 3}, 5, true},
        {"still unclear", {.passes = 2, .runs = 5}, {.passes = 5, .runs = 5}, 7, true},
        {"settled as equal", {.passes = 3, .runs = 5}, {.passes = 5, .runs = 5}, 5, true},
        {"end of patience", {.passes = 3, .runs = 7}, {.passes = 7, .runs = 7}, 7, true},
        {"5 of 7 is enough", {.passes = 2, .runs = 7}, {.passes = 5, .runs = 7}, 7, false},
        {"4 of 7 is not", {.passes = 2, .runs = 7}, {.passes = 4, .runs = 7}, 7, true},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      CHECK(RunsWanted(c.before, c.after) == c.wanted);
      CHECK((IsUnstable(c.before) || IsUnstable(c.after)) == c.unstable);
    }
  }
}

}  // namespace selftune::stats
