#include "stats/shuffle.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "base/crypto.h"

namespace selftune::stats {

double Mulberry32::Next() {
  state_ += 0x6d2b79f5U;
  uint32_t t = (state_ ^ state_ >> 15) * (1U | state_);
  t = (t + (t ^ t >> 7) * (61U | t)) ^ t;
  return static_cast<double>(t ^ t >> 14) / 4294967296.0;
}

uint64_t StreamSeed(uint64_t seed, std::string_view name) {
  const base::Sha256Digest digest = base::Sha256(std::to_string(seed).append(name));
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value = value << 8 | digest[i];
  return value;
}

}  // namespace selftune::stats
