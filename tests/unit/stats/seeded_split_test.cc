#include "stats/seeded_split.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "stats/shuffle.h"

namespace selftune::stats {
namespace {

std::vector<SplitAssignment> Assign(const std::vector<std::string>& queries) {
  std::vector<SplitEntry> entries;
  for (const std::string& query : queries) entries.push_back({.query = query});
  return AssignSplits("pptx", entries);
}

// Texts with near duplicates among them, from a few words.
std::vector<std::string> SomeQueries(size_t count, uint32_t seed) {
  static constexpr std::string_view kWords[] = {"make",  "slides", "deck",  "export",
                                                "chart", "add",    "notes", "page"};
  Mulberry32 random(seed);
  std::vector<std::string> out;
  for (size_t i = 0; i < count; ++i) {
    std::string text;
    for (int word = 0; word < 4; ++word) {
      text.append(kWords[static_cast<size_t>(random.Next() * 8)]).append(" ");
    }
    out.push_back(text + std::to_string(static_cast<int>(random.Next() * 5)));
  }
  return out;
}

}  // namespace

TEST_SUITE("stats/seeded_split") {
  TEST_CASE("normal form of a query") {
    struct Case {
      const char* name;
      std::string query, want;
    };
    const Case cases[] = {
        {"empty", "", ""},
        {"only space", " \t\n\u00a0\u2003 ", ""},
        {"case and space", "  Make\tA \n Deck ", "make a deck"},
        {"unicode space", "a\u3000b\u00a0c", "a b c"},
        {"digit runs", "v10.250 at 09:30", "v0.0 at 0:0"},
        {"digits apart", "1 2  3", "0 0 0"},
        {"other digits", "\u0663\u0664 slides", "0 slides"},
        {"composed", "De\u0301cor", "d\u00e9cor"},
        {"greek final sigma", "\u039f\u0394\u039f\u03a3", "\u03bf\u03b4\u03bf\u03c2"},
        {"invalid bytes stay", "a\xff\xfe z", "a\xff\xfe z"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      CHECK(NormalizeForSplit(c.query) == c.want);
      CHECK(NormalizeForSplit(NormalizeForSplit(c.query)) == c.want);
    }
  }

  TEST_CASE("buckets map to splits at 40 and 80") {
    CHECK(SplitOfBucket(0) == Split::kTest);
    CHECK(SplitOfBucket(39) == Split::kTest);
    CHECK(SplitOfBucket(40) == Split::kTrain);
    CHECK(SplitOfBucket(79) == Split::kTrain);
    CHECK(SplitOfBucket(80) == Split::kVal);
    CHECK(SplitOfBucket(99) == Split::kVal);
    CHECK(SplitName(Split::kVal) == "val");
  }

  TEST_CASE("about forty of a hundred texts are held out, per skill differently") {
    int held_out = 0;
    int differs = 0;
    for (int i = 0; i < 5000; ++i) {
      std::string query = "query";
      for (int rest = i; rest > 0; rest /= 26) query.push_back(static_cast<char>('a' + rest % 26));
      held_out += IsHeldOut(SplitOfBucket(SplitBucket("pdf", query))) ? 1 : 0;
      differs += SplitBucket("pdf", query) != SplitBucket("pptx", query) ? 1 : 0;
    }
    CHECK(held_out > 1850);
    CHECK(held_out < 2150);
    CHECK(differs > 4800);
  }

  TEST_CASE("near duplicates share the bucket of the smallest hash") {
    // a~b and b~c (3 of 5 words), a and c only through b.
    const std::vector<std::string> queries = {"make slides about red cats",
                                              "unrelated words here",
                                              "make slides about red dogs",
                                              "make slides about blue dogs",
                                              "???",
                                              " ??? "};
    const std::vector<SplitAssignment> got = Assign(queries);
    CHECK(got[0].cluster == got[2].cluster);
    CHECK(got[2].cluster == got[3].cluster);
    CHECK(got[1].cluster != got[0].cluster);
    CHECK(got[4].cluster == got[5].cluster);  // equal, though without a word
    CHECK(got[4].cluster != got[1].cluster);
    const auto smallest = std::min({got[0].hash, got[2].hash, got[3].hash});
    for (const size_t i : {0, 2, 3}) CHECK(got[i].bucket == static_cast<int>(smallest % 100));
    CHECK(got[1].bucket == SplitBucket("pptx", queries[1]));
  }

  TEST_CASE("order and duplicates of entries do not matter") {
    const std::vector<std::string> queries = SomeQueries(200, 5);
    const std::vector<SplitAssignment> base = Assign(queries);
    std::map<std::string, int> bucket;
    for (size_t i = 0; i < queries.size(); ++i) bucket[queries[i]] = base[i].bucket;
    std::vector<std::string> shuffled = queries;
    SeededShuffle(shuffled, 9);
    shuffled.insert(shuffled.end(), queries.begin(), queries.begin() + 20);
    const std::vector<SplitAssignment> again = Assign(shuffled);
    for (size_t i = 0; i < shuffled.size(); ++i) CHECK(again[i].bucket == bucket[shuffled[i]]);
  }

  TEST_CASE("adding entries never moves an old one, and new duplicates follow it") {
    const std::vector<std::string> queries = SomeQueries(300, 11);
    std::vector<SplitEntry> entries;
    std::vector<int> buckets;
    for (const std::string& query : queries) {
      entries.push_back({.query = query});
      const std::vector<SplitAssignment> got = AssignSplits("pptx", entries);
      for (size_t i = 0; i + 1 < entries.size(); ++i) CHECK(got[i].bucket == buckets[i]);
      // Some earlier member of its cluster has the same bucket, if it has one.
      const SplitAssignment& added = got.back();
      bool alone = true;
      bool follows = false;
      for (size_t i = 0; i + 1 < got.size(); ++i) {
        alone = alone && got[i].cluster != added.cluster;
        follows = follows || (got[i].cluster == added.cluster && got[i].bucket == added.bucket);
      }
      CHECK((alone || follows));
      buckets.push_back(added.bucket);
      entries.back().earlier_bucket = added.bucket;
    }
  }
}

}  // namespace selftune::stats
