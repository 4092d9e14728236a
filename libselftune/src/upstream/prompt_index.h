// Finds prompts of one session by words, time and number, in few steps however many it
// has: thousands, and all with the same words, or of the same second.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"

namespace selftune::upstream {

// The hook wrote both rows of one prompt within moments.
inline constexpr int64_t kMoments = 2'000;

// Of numbers with times: the greatest that is not later than a moment.
class GreatestBefore {
 public:
  void Add(UtcMillis at, int32_t number);
  [[nodiscard]] std::optional<int32_t> At(UtcMillis at) const;

 private:
  std::map<int64_t, int32_t> steps_;  // both rise
};

// Prompts that no row stands for yet.
class OpenPrompts {
 public:
  using Time = std::optional<UtcMillis>;

  // `n`: anything that tells it from others; of several that fit, the least is found.
  void Add(const std::string& key, size_t n, const Time& at);
  // The row that stands for it was found.
  void Close(size_t n);
  // With these words; one near in time comes before all others.
  [[nodiscard]] std::optional<size_t> Find(const std::string& key, const Time& at) const;
  // With these words and near in time.
  [[nodiscard]] std::optional<size_t> FindNear(const std::string& key, const Time& at) const;
  // Near in time whatever the words: at most so many.
  [[nodiscard]] std::vector<size_t> Near(const Time& at, size_t most) const;

 private:
  using Moments = std::set<std::pair<int64_t, size_t>>;
  struct Said {
    std::set<size_t> all;
    Moments timed;
  };
  struct Place {
    std::map<std::string, Said>::iterator said;
    Time at;
  };
  std::map<std::string, Said> said_;
  std::map<size_t, Place> open_;
  Moments timed_;
};

// Prompts that stand for rows, by their words.
class SaidPrompts {
 public:
  // `n`: of the prompt, `number`: its place in the session.
  void Add(const std::string& key, size_t n, int32_t number, const std::optional<UtcMillis>& at);
  // The last that is not later, else the first; without a time the last of all.
  [[nodiscard]] std::optional<size_t> LastBefore(const std::string& key,
                                                 const std::optional<UtcMillis>& at) const;

 private:
  struct Said {
    std::map<int32_t, size_t> by_number;
    GreatestBefore timed;
    std::optional<int32_t> timeless;  // the greatest: it may be earlier than anything
  };
  std::map<std::string, Said> said_;
};

// The numbers that are taken in a session.
class Numbers {
 public:
  void Take(int32_t number, const std::optional<UtcMillis>& at);
  [[nodiscard]] bool IsTaken(int32_t number) const { return taken_.contains(number); }
  // Behind all.
  [[nodiscard]] int32_t Next() const { return taken_.empty() ? 0 : *taken_.rbegin() + 1; }
  // Behind those that are not later, if it is free; else behind all.
  [[nodiscard]] int32_t NextAt(UtcMillis at) const;

 private:
  std::set<int32_t> taken_;
  GreatestBefore timed_;
};

}  // namespace selftune::upstream
