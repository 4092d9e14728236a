#include "upstream/prompt_index.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace selftune::upstream {
namespace {

using Time = std::optional<UtcMillis>;

struct Prompt {
  std::string key;
  int32_t number = 0;
  Time at;
  bool open = true;
};

// Few words and times, so that most are told several times.
class Random {
 public:
  int64_t Below(int64_t end) { return std::uniform_int_distribution<int64_t>(0, end - 1)(engine_); }
  std::string Key() { return std::string(1, static_cast<char>('a' + Below(3))); }
  Time At() { return Below(5) == 0 ? Time() : Time(UtcMillis{Below(12) * 700}); }

 private:
  std::mt19937 engine_{7};
};

bool IsNear(const Time& a, const Time& b) {
  return a.has_value() && b.has_value() && std::abs(a->value - b->value) <= kMoments;
}

TEST_SUITE("upstream/prompt_index") {
  TEST_CASE("an open prompt is found by its words, near in time before all others") {
    OpenPrompts open;
    CHECK(!open.Find("a", UtcMillis{0}));
    open.Add("a", 0, UtcMillis{100'000});
    open.Add("a", 1, UtcMillis{200'000});
    open.Add("a", 2, {});
    open.Add("b", 3, UtcMillis{200'500});
    CHECK(open.Find("a", UtcMillis{201'999}) == 1);
    CHECK(open.Find("a", UtcMillis{900'000}) == 0);
    CHECK(open.Find("a", {}) == 0);
    CHECK(!open.FindNear("a", UtcMillis{202'001}));
    CHECK(open.Near(UtcMillis{200'000}, 9) == std::vector<size_t>{1, 3});
    CHECK(open.Near(UtcMillis{200'000}, 1) == std::vector<size_t>{1});
    CHECK(open.Near({}, 9).empty());
    open.Close(1);
    open.Close(1);
    CHECK(open.Find("a", UtcMillis{200'000}) == 0);
    open.Close(0);
    CHECK(open.Find("a", UtcMillis{200'000}) == 2);
  }

  TEST_CASE("what is found is what a look at each prompt finds") {
    Random random;
    for (int round = 0; round < 200; ++round) {
      std::vector<Prompt> all;
      OpenPrompts open;
      SaidPrompts said;
      Numbers numbers;
      for (int i = 0; i < 25; ++i) {
        const Prompt one{random.Key(), static_cast<int32_t>(2 * i + random.Below(2)), random.At()};
        open.Add(one.key, all.size(), one.at);
        said.Add(one.key, all.size(), one.number, one.at);
        numbers.Take(one.number, one.at);
        all.push_back(one);
        const Time at = random.At();
        const std::string key = random.Key();

        const auto found = open.Find(key, at);
        const auto fits = [&](const Prompt& p) { return p.open && p.key == key; };
        const bool any_near =
            std::ranges::any_of(all, [&](const Prompt& p) { return fits(p) && IsNear(p.at, at); });
        CHECK(found.has_value() == std::ranges::any_of(all, fits));
        if (found.has_value()) {
          CHECK(fits(all[*found]));
          CHECK(IsNear(all[*found].at, at) == any_near);
          open.Close(*found);
          all[*found].open = false;
        }

        const Prompt* last = nullptr;
        int32_t behind = -1;
        for (const Prompt& p : all) {
          const bool before = !at.has_value() || !p.at.has_value() || *p.at <= *at;
          if (p.key == key && (last == nullptr || before)) last = &p;
          if (at.has_value() && p.at.has_value() && *p.at <= *at) behind = p.number;
        }
        const bool all_later =
            last != nullptr && last->at.has_value() && at.has_value() && *last->at > *at;
        const auto before = said.LastBefore(key, at);
        CHECK(before.has_value() == (last != nullptr));
        if (last != nullptr && !all_later) CHECK(all[*before].number == last->number);
        if (all_later) CHECK(all[*before].key == key);

        const bool free =
            std::ranges::none_of(all, [&](const Prompt& p) { return p.number == behind + 1; });
        if (at.has_value()) CHECK(numbers.NextAt(*at) == (free ? behind + 1 : numbers.Next()));
        CHECK(numbers.Next() == all.back().number + 1);
      }
    }
  }
}

}  // namespace
}  // namespace selftune::upstream
