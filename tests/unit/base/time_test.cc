#include "base/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace selftune {

TEST_SUITE("base/time") {
  TEST_CASE("accepted forms") {
    struct Case {
      std::string_view text;
      int64_t ms;
    };
    const Case cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00.000Z", 0},
        {"1970-01-01t00:00:00z", 0},
        {"1970-01-01 00:00:00Z", 0},
        {"1970-01-01T00:00:00.1Z", 100},
        {"1970-01-01T00:00:00.0019Z", 1},
        {"1970-01-01T00:00:00.999999999Z", 999},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1969-12-31T18:30:00-05:30", 0},
        {"1970-01-01T00:00:00-00:00", 0},
        {"1969-12-31T23:59:59.999Z", -1},
        {"2000-02-29T12:00:00Z", 951'825'600'000},
        {"2024-12-31T23:59:60Z", 1'735'689'600'000},
        {"2026-03-01T00:00:00.5+14:00", 1'772'272'800'500},
        {"9999-12-31T23:59:59.999Z", 253'402'300'799'999},
        {"0001-01-01T00:00:00Z", -62'135'596'800'000},
    };
    for (const Case& c : cases) {
      CAPTURE(c.text);
      const std::optional<UtcMillis> got = ParseRfc3339(c.text);
      REQUIRE(got.has_value());
      CHECK(got->value == c.ms);
    }
  }

  TEST_CASE("everything else is no time") {
    const std::string_view texts[] = {
        "",
        "2026",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00Z",
        "2026-1-01T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+1",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+01:60",
        "2026-01-01T00:00:00ZZ",
        "2026-01-01T00:00:00Z ",
        " 2026-01-01T00:00:00Z",
        "12026-01-01T00:00:00Z",
        "-026-01-01T00:00:00Z",
        "2026-01-01X00:00:00Z",
        "2026-01-01T00:00:0\xef\xbc\x90Z",
    };
    for (const std::string_view text : texts) {
      CAPTURE(text);
      CHECK(!ParseRfc3339(text).has_value());
    }
  }

  TEST_CASE("formatting is the inverse, for every day of 800 years") {
    CHECK(FormatRfc3339(UtcMillis{0}) == "1970-01-01T00:00:00.000Z");
    CHECK(FormatRfc3339(UtcMillis{-1}) == "1969-12-31T23:59:59.999Z");
    for (int64_t day = -146'097; day < 146'097; ++day) {
      const UtcMillis time{day * 86'400'000 + day * day % 86'400'000};
      const std::string text = FormatRfc3339(time);
      const std::optional<UtcMillis> back = ParseRfc3339(text);
      if (text.size() != 24 || !back.has_value() || *back != time || DayOf(time) != day) {
        FAIL("day " << day << ": " << text);
      }
    }
  }

  TEST_CASE("days before the epoch count down") {
    CHECK(DayOf(UtcMillis{0}) == 0);
    CHECK(DayOf(UtcMillis{86'399'999}) == 0);
    CHECK(DayOf(UtcMillis{86'400'000}) == 1);
    CHECK(DayOf(UtcMillis{-1}) == -1);
    CHECK(DayOf(UtcMillis{-86'400'000}) == -1);
    CHECK(DayOf(UtcMillis{-86'400'001}) == -2);
  }

  TEST_CASE("any value formats to 24 characters") {
    for (const int64_t ms : {INT64_MIN, INT64_MIN / 2, int64_t{-62'135'596'800'001},
                             int64_t{253'402'300'800'000}, INT64_MAX / 2, INT64_MAX}) {
      CAPTURE(ms);
      const std::string text = FormatRfc3339(UtcMillis{ms});
      CHECK(text.size() == 24);
      CHECK(text.find_first_not_of("0123456789-T:.Z") == std::string::npos);
    }
  }

  TEST_CASE("the system clock is after the year 2020") {
    CHECK(SystemClock().Now().value > 1'577'836'800'000);
  }
}

}  // namespace selftune
