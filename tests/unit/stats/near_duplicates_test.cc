#include "stats/near_duplicates.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/text_similarity.h"
#include "stats/shuffle.h"

namespace selftune::stats {
namespace {

// What the header promises, the long way: all with all.
std::vector<size_t> AllWithAll(const std::vector<std::string>& texts) {
  std::vector<std::vector<std::string>> words;
  for (const std::string& text : texts) words.push_back(base::WordTokens(text));
  std::vector<size_t> group(texts.size());
  std::iota(group.begin(), group.end(), size_t{0});
  for (size_t i = 0; i < texts.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const bool alike = words[i].empty() && words[j].empty()
                             ? texts[i] == texts[j]
                             : base::TokenJaccard(words[i], words[j]) >= 0.6;
      const auto [least, other] = std::minmax(group[i], group[j]);
      if (alike) std::replace(group.begin(), group.end(), size_t{other}, size_t{least});
    }
  }
  return group;
}

std::string Word(size_t number) { return "w" + std::to_string(number); }

// `count` texts of `fewest` to `most` words of `vocabulary`; `skew` above 1: few of them often.
struct Corpus {
  size_t count, vocabulary;
  size_t fewest, most;
  double skew = 1;
};

std::vector<std::string> Make(const Corpus& corpus, uint32_t seed) {
  Mulberry32 random(seed);
  std::vector<std::string> out;
  for (size_t i = 0; i < corpus.count; ++i) {
    const auto spread = static_cast<double>(corpus.most - corpus.fewest + 1);
    const size_t words = corpus.fewest + static_cast<size_t>(random.Next() * spread);
    std::string& text = out.emplace_back();
    for (size_t word = 0; word < words; ++word) {
      const double at = std::pow(random.Next(), corpus.skew);
      text += Word(static_cast<size_t>(at * static_cast<double>(corpus.vocabulary))) + " ";
    }
  }
  return out;
}

// Each `step` words further through one long row of words.
std::vector<std::string> Sliding(size_t count, size_t width, size_t step) {
  std::vector<std::string> out;
  for (size_t i = 0; i < count; ++i) {
    std::string& text = out.emplace_back();
    for (size_t word = 0; word < width; ++word) text += Word(i * step + word) + " ";
  }
  return out;
}

// All texts that can be made of so many words.
std::vector<std::string> AllOf(size_t words) {
  std::vector<std::string> out;
  for (size_t set = 0; set < size_t{1} << words; ++set) {
    std::string& text = out.emplace_back();
    for (size_t word = 0; word < words; ++word) {
      if ((set >> word & 1) != 0) text += Word(word) + " ";
    }
  }
  return out;
}

}  // namespace

TEST_SUITE("stats/near_duplicates") {
  TEST_CASE("three fifths of the words, not a word less") {
    struct Case {
      const char* name;
      std::string one, other;
      bool alike;
    };
    const Case cases[] = {
        {"the same words in another order", "make a deck", "deck a make", true},
        {"three of five", "a b c d", "a b c e", true},
        {"five of nine", "a b c d e f g", "a b c d e h i", false},
        {"six of ten", "a b c d e f g h", "a b c d e f i j", true},
        {"a part of the other, three fifths of it", "a b c", "a b c d e", true},
        {"a part of the other, half of it", "a b c", "a b c d e f", false},
        {"no word in common", "a", "b", false},
        {"the same signs without a word", "???", "???", true},
        {"other signs without a word", "???", "!!!", false},
        {"both empty", "", "", true},
        {"a word and none", "a", "", false},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const std::vector<std::string> texts = {c.one, "nothing like it", c.other};
      CHECK(GroupNearDuplicates(texts).first == std::vector<size_t>{0, 1, c.alike ? 0U : 2U});
      CHECK(AllWithAll(texts) == GroupNearDuplicates(texts).first);
    }
  }

  TEST_CASE("the same groups as comparing all with all") {
    struct Case {
      const char* name;
      Corpus corpus;
    };
    const Case cases[] = {
        {"short texts of few words", {.count = 120, .vocabulary = 8, .fewest = 0, .most = 5}},
        {"texts of all lengths", {.count = 120, .vocabulary = 12, .fewest = 1, .most = 30}},
        {"near the border", {.count = 120, .vocabulary = 16, .fewest = 10, .most = 16}},
        {"long texts", {.count = 60, .vocabulary = 60, .fewest = 60, .most = 100}},
        {"some words in every text",
         {.count = 120, .vocabulary = 40, .fewest = 4, .most = 12, .skew = 4}},
        {"many words, few in common", {.count = 120, .vocabulary = 400, .fewest = 3, .most = 9}},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      for (uint32_t seed = 1; seed <= 12; ++seed) {
        CAPTURE(seed);
        const std::vector<std::string> texts = Make(c.corpus, seed);
        CHECK(GroupNearDuplicates(texts).first == AllWithAll(texts));
      }
    }
  }

  TEST_CASE("the same groups of texts made to mislead an index") {
    std::vector<std::string> chain = Sliding(100, 9, 2);  // neighbours alike, others not
    SeededShuffle(chain, 3);
    std::vector<std::string> nearly = Sliding(100, 9, 3);  // neighbours just not alike
    SeededShuffle(nearly, 4);
    std::vector<std::string> shared;  // all have one rare word, and nothing else
    for (const std::string& text : Sliding(80, 6, 6)) shared.push_back(text + "rare");
    std::vector<std::string> larger;  // each a part of the next
    for (size_t words = 1; words <= 60; ++words) larger.push_back(Sliding(1, words, 1).front());
    for (const auto& texts : {chain, nearly, shared, larger, AllOf(6), AllOf(8),
                              std::vector<std::string>(50, "the same"),
                              std::vector<std::string>(50, "?!"), std::vector<std::string>()}) {
      CHECK(GroupNearDuplicates(texts).first == AllWithAll(texts));
    }
  }

  TEST_CASE("the work follows the texts, not the pairs") {
    struct Case {
      const char* name;
      std::vector<std::string> texts;
      double looks, compared;  // at most, for each text
    };
    constexpr size_t kMany = 5000;
    std::vector<std::string> equal(kMany, "make a deck about cats");
    const Case cases[] = {
        // As people write: some words everywhere, most of them rarely.
        {"prompts",
         Make({.count = kMany, .vocabulary = 20'000, .fewest = 5, .most = 40, .skew = 3}, 1), 100,
         1},
        {"texts of one kind", Sliding(kMany, 90, 6), 200, 2},
        {"equal texts", std::move(equal), 0, 0},
        // Nothing is rare: most pairs are seen, and a quarter of them compared, a few words each.
        {"few words, all of them everywhere",
         Make({.count = kMany, .vocabulary = 200, .fewest = 30, .most = 60}, 2), 8000, 700},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const NearDuplicates groups = GroupNearDuplicates(c.texts);
      const auto texts = static_cast<double>(c.texts.size());
      CHECK(static_cast<double>(groups.looked_up) <= c.looks * texts);
      CHECK(static_cast<double>(groups.compared) <= c.compared * texts);
    }
  }
}

}  // namespace selftune::stats
