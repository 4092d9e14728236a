// The seeded generator and shuffle of eval set building, exact to the bit so
// that old eval sets can be rebuilt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace selftune::stats {

// mulberry32.
class Mulberry32 {
 public:
  explicit Mulberry32(uint32_t seed) : state_(seed) {}
  [[nodiscard]] double Next();  // [0, 1), multiples of 2^-32

 private:
  uint32_t state_;
};

// Fisher-Yates from the end.
template <typename T>
void SeededShuffle(std::vector<T>& items, uint32_t seed) {
  Mulberry32 random(seed);
  for (size_t i = items.size(); i-- > 1;) {
    const auto j = static_cast<size_t>(random.Next() * static_cast<double>(i + 1));
    std::swap(items[i], items[j]);
  }
}

// Seed of a named stream ("shuffle", "batch_order", "bootstrap") of a run: the
// first 8 bytes of SHA-256 over the seed in decimal and the name.
[[nodiscard]] uint64_t StreamSeed(uint64_t seed, std::string_view name);

}  // namespace selftune::stats
