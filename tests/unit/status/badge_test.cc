#include "status/badge.h"

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace selftune::status {
namespace {

SkillState Counted(int64_t hit, int64_t expected,
                   monitoring::State state = monitoring::State::kHealthy,
                   monitoring::Trend trend = monitoring::Trend::kUnknown) {
  SkillState out;
  out.trigger.hit = hit;
  out.trigger.expected = expected;
  out.health.state = state;
  out.health.trend = trend;
  return out;
}

bool Has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

Badge Plain(std::string label, std::string message) {
  return {.label = std::move(label), .message = std::move(message), .color = "#4c1", .title = "t"};
}

}  // namespace

TEST_SUITE("status/badge") {
  TEST_CASE("the figure is the recall, the arrow the trend, the colour the state") {
    using monitoring::State;
    using monitoring::Trend;
    struct {
      int64_t hit, expected;
      State state;
      Trend trend;
      std::string_view message, color;
    } const rows[] = {
        {10, 10, State::kHealthy, Trend::kStable, "100% →", "#4c1"},
        {7, 9, State::kUncertain, Trend::kUp, "78% ↑", "#dfb317"},
        {1, 2, State::kWarning, Trend::kUnknown, "50%", "#dfb317"},
        {1, 8, State::kCritical, Trend::kDown, "13% ↓", "#e05d44"},
        {0, 0, State::kUnknown, Trend::kUnknown, "no data", "#9f9f9f"},
        {1, 1, State::kUngraded, Trend::kUnknown, "100%", "#9f9f9f"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.message);
      const Badge badge = MakeBadge(Counted(row.hit, row.expected, row.state, row.trend), {});
      CHECK(badge.label == "Skill Health");
      CHECK(badge.message == row.message);
      CHECK(badge.color == row.color);
      CHECK(badge.k == row.hit);
      CHECK(badge.n == row.expected);
    }
  }

  TEST_CASE("the interval stands in the title") {
    const Badge badge = MakeBadge(Counted(5, 22), {});
    CHECK(badge.title ==
          "5 of 22 prompts that needed it got it in 30 days, 95 % interval 10 to 43 %");
  }

  TEST_CASE("other figures, other words, a date") {
    SkillState state = Counted(1, 2);
    state.health.good = 3;
    state.health.bad = 1;
    state.window.triggered = 12;
    CHECK(MakeBadge(state, {.metric = BadgeMetric::kSessions}).message == "75%");
    const Badge runs = MakeBadge(state, {.metric = BadgeMetric::kRuns});
    CHECK(runs.label == "Skill Runs");
    CHECK(runs.message == "12 in 30 days");
    const Badge dated = MakeBadge(state, {.label = "pdf", .date = "2026-11-26"});
    CHECK(dated.label == "pdf");
    CHECK(dated.message == "50% (2026-11-26)");
  }

  TEST_CASE("the parts are as wide as their words") {
    const std::string svg = BadgeSvg(Plain("Skill Health", "100% →"), BadgeStyle::kFlat);
    CHECK(Has(svg, "width=\"153\" height=\"20\""));
    CHECK(Has(svg, "<rect width=\"95\" height=\"20\" fill=\"#555\"/>"));
    CHECK(Has(svg, "<rect x=\"95\" width=\"58\""));
    CHECK(Has(svg, "<text x=\"56\" y=\"14\">Skill Health</text>"));
    CHECK(Has(svg, "<text x=\"124.5\" y=\"14\">100% →</text>"));
    CHECK(Has(svg, "rx=\"3\""));
    const std::string square = BadgeSvg(Plain("Skill Health", "100% →"), BadgeStyle::kFlatSquare);
    CHECK(Has(square, "rx=\"0\""));
    CHECK_FALSE(Has(square, "fill=\"url("));
  }

  TEST_CASE("what no picture may hold is a blank") {
    const Badge badge = MakeBadge(Counted(1, 2), {.label = "a\x1b\uFFFF\u202Eb"});
    CHECK(badge.label == "a   b");
    CHECK(BadgeMarkdown(Plain("a](x) !", "1%"), "s").starts_with("![a\\]\\(x\\) \\!: s]("));
  }

  TEST_CASE("words stay words") {
    const std::string svg = BadgeSvg(Plain("<b onload=\"x\">& ", "1%"), BadgeStyle::kFlat);
    CHECK(Has(svg, "&lt;b onload=&quot;x&quot;&gt;&amp; "));
    CHECK_FALSE(Has(svg, "<b"));
    CHECK_FALSE(Has(svg, "\n"));
  }

  TEST_CASE("two badges in one page share no id") {
    const auto id_of = [](const std::string& svg) {
      const size_t at = svg.find("id=\"");
      REQUIRE(at != std::string::npos);
      return svg.substr(at + 4, 10);
    };
    CHECK(id_of(BadgeSvg(Plain("a", "1%"), BadgeStyle::kFlat)) !=
          id_of(BadgeSvg(Plain("a", "2%"), BadgeStyle::kFlat)));
  }

  TEST_CASE("of shields.io: every character comes back as it was") {
    CHECK(BadgeUrl(Plain("Skill Health", "100% →")) ==
          "https://img.shields.io/badge/Skill%20Health-100%25%20%E2%86%92-4c1");
    CHECK(BadgeUrl(Plain("a-b_c", "x/y?z")) ==
          "https://img.shields.io/badge/a--b__c-x%2Fy%3Fz-4c1");
    CHECK(BadgeMarkdown(Plain("Skill Health", "1%"), "a]b") ==
          "![Skill Health: a\\]b](https://img.shields.io/badge/Skill%20Health-1%25-4c1)");
    CHECK(BadgeEndpoint(Plain("L", "M")) ==
          R"({"schemaVersion":1,"label":"L","message":"M","color":"#4c1"})");
  }

  TEST_CASE("only an earlier badge of the same form and label may be replaced") {
    const Badge now = Plain("Skill Health", "1%"), before = Plain("Skill Health", "no data"),
                other = Plain("coverage", "93%");
    const auto forms = [](const Badge& badge) {
      return std::vector<std::string>{BadgeSvg(badge, BadgeStyle::kFlat), BadgeUrl(badge),
                                      BadgeMarkdown(badge, "s"), BadgeEndpoint(badge)};
    };
    const auto contents = forms(now), earlier = forms(before), others = forms(other);
    for (size_t i = 0; i < contents.size(); ++i) {
      for (size_t j = 0; j < earlier.size(); ++j) {
        CAPTURE(i);
        CAPTURE(j);
        CHECK(IsEarlierBadge(earlier[j], contents[i], now) == (i == j));
        CHECK_FALSE(IsEarlierBadge(others[j], contents[i], now));
      }
      CHECK(IsEarlierBadge(earlier[i] + "\n", contents[i], now));
      CHECK_FALSE(IsEarlierBadge(earlier[i] + "\nmore\n", contents[i], now));
      CHECK_FALSE(IsEarlierBadge("# My skill\n", contents[i], now));
      CHECK_FALSE(IsEarlierBadge("", contents[i], now));
    }
    CHECK_FALSE(
        IsEarlierBadge(R"({"schemaVersion":1,"label":"Skill Health","message":"1%","mine":[1]})",
                       contents[3], now));
    CHECK_FALSE(IsEarlierBadge(BadgeMarkdown(before, "t"), contents[2], now));
  }
}

}  // namespace selftune::status
