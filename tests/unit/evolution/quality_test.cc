#include "evolution/quality.h"

#include <string>

#include <doctest/doctest.h>

namespace selftune::evolution {

TEST_SUITE("evolution/quality") {
  TEST_CASE("the worked examples") {
    const DescriptionQuality vague =
        ScoreDescription("Helps with money things for customers.", "billing");
    CHECK(vague.length == doctest::Approx(0.95));
    CHECK(vague.trigger_context == 0);
    CHECK(vague.vagueness == doctest::Approx(0.6));
    CHECK(vague.specificity == doctest::Approx(0.2));
    CHECK(vague.not_just_name == 1);
    CHECK(vague.composite == 0.453);
    const DescriptionQuality good = ScoreDescription(
        "Use when the user wants to create or send an invoice, or check whether an invoice was "
        "paid.",
        "billing");
    CHECK(good.trigger_context == doctest::Approx(0.85));
    CHECK(good.composite == 0.955);
  }

  TEST_CASE("length rises, stays and falls") {
    const auto length = [](size_t n) { return ScoreDescription(std::string(n, 'x'), "").length; };
    CHECK(length(0) == 0);
    CHECK(length(20) == doctest::Approx(0.5));
    CHECK(length(40) == doctest::Approx(0.7));
    CHECK(length(60) == doctest::Approx(0.85));
    CHECK(length(80) == 1);
    CHECK(length(300) == 1);
    CHECK(length(400) == doctest::Approx(0.85));
    CHECK(length(500) == doctest::Approx(0.7));
    CHECK(length(750) == doctest::Approx(0.5));
    CHECK(length(5000) == doctest::Approx(0.3));
    CHECK(ScoreDescription("\U0001F600", "").length == doctest::Approx(2.0 / 40));
  }

  TEST_CASE("words count once and only as whole words") {
    CHECK(ScoreDescription("if if if", "").trigger_context == doctest::Approx(0.7));
    CHECK(ScoreDescription("gift before tea", "").trigger_context == doctest::Approx(0.7));
    CHECK(ScoreDescription("if before after when while", "").trigger_context == 1);
    CHECK(ScoreDescription("wheneverything", "").trigger_context == 0);
    CHECK(ScoreDescription("stuff, things and more", "").vagueness == doctest::Approx(0.3));
    CHECK(ScoreDescription("various general misc stuff things etc", "").vagueness ==
          doctest::Approx(0.1));
    CHECK(ScoreDescription("something", "").vagueness == 1);
  }

  TEST_CASE("filler weakens what is said") {
    CHECK(ScoreDescription("parse it", "").specificity == 1);
    CHECK(ScoreDescription("this skill can be used to parse it", "").specificity ==
          doctest::Approx(0.4));
    CHECK(ScoreDescription("This skill is a tool for parse, helps with it", "").specificity ==
          doctest::Approx(0.3));
    CHECK(ScoreDescription("parsed", "").specificity == doctest::Approx(0.2));
  }

  TEST_CASE("the name again says nothing") {
    CHECK(ScoreDescription("Code-Review.", "code-review").not_just_name == 0);
    CHECK(ScoreDescription("code review", "code-review").not_just_name == 0);
    CHECK(ScoreDescription("a code review", "code-review").not_just_name == doctest::Approx(0.3));
    CHECK(ScoreDescription("reviews code for style and bugs", "code-review").not_just_name == 1);
    CHECK(ScoreDescription("x", "").not_just_name == 1);
  }
}

}  // namespace selftune::evolution
