#include "status/trigger.h"

#include <vector>

#include <doctest/doctest.h>

namespace selftune::status {
namespace {

using store::JudgedPrompt;

JudgedPrompt Labelled(const char* label) { return {.label = label}; }

JudgedPrompt Missed(const char* cause) { return {.missed = true, .cause = cause}; }

}  // namespace

TEST_SUITE("status/trigger") {
  TEST_CASE("nothing judged: no rate, not a rate of zero") {
    const TriggerCounts counts = CountTriggers({});
    CHECK(counts.expected == 0);
    CHECK_FALSE(counts.recall().has_value());
    CHECK(counts.interval().lo == 0);
    CHECK(counts.interval().hi == 1);
  }

  TEST_CASE("which prompts count, and as what") {
    struct Case {
      const char* name;
      JudgedPrompt prompt;
      int64_t expected, hit, missed, by_hand, unwanted;
    };
    JudgedPrompt hit = Labelled("should");
    hit.by_model = true;
    JudgedPrompt by_hand = Labelled("should");
    by_hand.by_user = true;
    JudgedPrompt both = hit;
    both.by_user = true;
    JudgedPrompt unwanted = Labelled("should_not");
    unwanted.by_model = true;
    JudgedPrompt overruled = Missed("description");
    overruled.label = "should_not";
    JudgedPrompt disputed = Missed("description");
    disputed.label = "unknown";
    JudgedPrompt late = Missed("description");
    late.by_model = true;
    JudgedPrompt command = Labelled("should");
    command.by_command = true;
    JudgedPrompt judged = command;
    judged.missed = true;
    const Case cases[] = {
        {"its command was typed and nothing loaded it", command, 0, 0, 0, 1, 0},
        {"its command was typed, and somebody judged it missed", judged, 1, 0, 1, 0, 0},
        {"should, and the model loaded it", hit, 1, 1, 0, 0, 0},
        {"should, and nothing loaded it", Labelled("should"), 1, 0, 1, 0, 0},
        {"should, but the person loaded it", by_hand, 0, 0, 0, 1, 0},
        {"the model loaded it, and so did the person", both, 1, 1, 0, 0, 0},
        {"a miss without a label", Missed("description"), 1, 0, 1, 0, 0},
        {"a miss that a label contradicts", overruled, 0, 0, 0, 0, 0},
        {"a miss on which labels disagree", disputed, 0, 0, 0, 0, 0},
        {"a miss after which it ran all the same", late, 1, 1, 0, 0, 0},
        {"loaded where it should not", unwanted, 0, 0, 0, 0, 1},
        {"should not, and it did not run", Labelled("should_not"), 0, 0, 0, 0, 0},
        {"nobody knows", Labelled("unknown"), 0, 0, 0, 0, 0},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const TriggerCounts counts = CountTriggers(std::vector{c.prompt});
      CHECK(counts.expected == c.expected);
      CHECK(counts.hit == c.hit);
      CHECK(counts.missed == c.missed);
      CHECK(counts.by_hand == c.by_hand);
      CHECK(counts.unwanted == c.unwanted);
      CHECK(counts.expected == counts.hit + counts.missed);
    }
  }

  TEST_CASE("causes are counted, the most frequent first; only a seen description is curable") {
    const TriggerCounts counts = CountTriggers(std::vector{
        Missed("compacted"), Missed("description"), Missed("compacted"), Labelled("should")});
    REQUIRE(counts.causes.size() == 3);
    CHECK(counts.causes[0].first == "compacted");
    CHECK(counts.causes[0].second == 2);
    CHECK(counts.causes[2].first == "unknown");  // labelled, and no row says why
    CHECK(counts.curable == 1);
    CHECK(counts.missed == 4);
  }

  TEST_CASE("a rate travels with its interval") {
    std::vector<JudgedPrompt> prompts;
    for (int i = 0; i < 9; ++i) {
      prompts.push_back(Labelled("should"));
      prompts.back().by_model = i < 7;
    }
    const TriggerCounts counts = CountTriggers(prompts);
    CHECK(*counts.recall() == doctest::Approx(7.0 / 9));
    CHECK(counts.interval().lo == doctest::Approx(0.453).epsilon(0.01));
    CHECK(counts.interval().hi == doctest::Approx(0.937).epsilon(0.01));
  }
}

}  // namespace selftune::status
