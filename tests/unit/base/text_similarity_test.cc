#include "base/text_similarity.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace selftune::base {

TEST_SUITE("base/text_similarity") {
  TEST_CASE("tokens") {
    struct Case {
      const char* text;
      std::vector<std::string> want;
    };
    const Case cases[] = {
        {"", {}},
        {" .,;-- ", {}},
        {"Make a Slide-deck, please!", {"make", "a", "slide", "deck", "please"}},
        {"snake_case v2.0", {"snake_case", "v2", "0"}},
        {"Caf\u00e9 cafe\u0301", {"caf\u00e9", "cafe\u0301"}},
        {"\u00dcBER\u2014na\u00efve", {"\u00fcber", "na\u00efve"}},
        {"\u65e5\u672c\u8a9e \u306e", {"\u65e5\u672c\u8a9e", "\u306e"}},
        {"don\u2019t \u2713 stop\U0001f600now", {"don", "t", "stop", "now"}},
        {"a\xff"
         "b",
         {"a", "b"}},
    };
    for (const Case& c : cases) {
      CAPTURE(c.text);
      CHECK(WordTokens(c.text) == c.want);
    }
  }

  TEST_CASE("Jaccard counts distinct tokens") {
    using Words = std::vector<std::string>;
    CHECK(TokenJaccard({}, {}) == 0);
    CHECK(TokenJaccard(Words{"a"}, {}) == 0);
    CHECK(TokenJaccard(Words{"a", "b"}, Words{"b", "a", "a"}) == 1);
    CHECK(TokenJaccard(Words{"a", "b", "c", "d"}, Words{"a", "b", "c", "e"}) == 0.6);
    CHECK(TokenJaccard(Words{"a"}, Words{"b"}) == 0);
  }

  TEST_CASE("Levenshtein counts code points") {
    CHECK(NormalizedLevenshtein("", "") == 0);
    CHECK(NormalizedLevenshtein("abc", "") == 1);
    CHECK(NormalizedLevenshtein("same", "same") == 0);
    CHECK(NormalizedLevenshtein("kitten", "sitting") == doctest::Approx(3.0 / 7));
    CHECK(NormalizedLevenshtein("sitting", "kitten") == doctest::Approx(3.0 / 7));
    CHECK(NormalizedLevenshtein("caf\u00e9", "cafe") == doctest::Approx(0.25));
    CHECK(NormalizedLevenshtein("\U0001f600", "\U0001f601") == 1);
  }
}

}  // namespace selftune::base
