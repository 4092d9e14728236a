#include "stats/sign_test.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "stats/beta.h"

namespace selftune::stats {
namespace {

constexpr int64_t kExactUpTo = 60;  // sums of binomial coefficients fit 64 bits

// P(Bin(m, 1/2) >= k)
double FairAtLeast(int64_t k, int64_t m) {
  if (k <= 0) return 1;
  if (k > m) return 0;
  if (m > kExactUpTo) return BinomialAtLeast(k, m, 0.5);
  uint64_t sum = 0;
  uint64_t choose = 1;  // C(m, i), from the top: C(m, m - i) = C(m, i)
  for (int64_t i = 0; i <= m - k; ++i) {
    sum += choose;
    // At most C(60, 30) * 31, which still fits.
    choose = choose * static_cast<uint64_t>(m - i) / static_cast<uint64_t>(i + 1);
  }
  return std::ldexp(static_cast<double>(sum), -static_cast<int>(m));
}

}  // namespace

double SignTest(int64_t gains, int64_t losses) { return FairAtLeast(gains, gains + losses); }

double McNemarTwoSided(int64_t gains, int64_t losses) {
  const int64_t m = gains + losses;
  if (m == 0) return 1;
  return std::min(1.0, 2 * FairAtLeast(std::max(gains, losses), m));
}

double McNemarMidP(int64_t gains, int64_t losses) {
  const int64_t m = gains + losses;
  if (m == 0) return 1;
  const int64_t larger = std::max(gains, losses);
  const double tail = FairAtLeast(larger, m);
  const double point = tail - FairAtLeast(larger + 1, m);
  return std::min(1.0, 2 * tail - point);
}

int64_t MinGains(int64_t losses, double alpha) {
  // p falls with every gain and reaches 0, so this ends for any alpha >= 0.
  const double level = std::max(alpha, 0.0);
  int64_t gains = std::max<int64_t>(losses, 0);
  while (SignTest(gains, losses) > level) ++gains;
  return gains;
}

PairedDifference AgrestiMin(int64_t gains, int64_t losses, int64_t n, double z) {
  if (n <= 0) return {.d = 0, .lo = -1, .hi = 1};
  const double b = static_cast<double>(losses) + 0.5;
  const double c = static_cast<double>(gains) + 0.5;
  const double size = static_cast<double>(n) + 2;
  const double d = (c - b) / size;
  const double variance = std::max(0.0, (b + c) - (c - b) * (c - b) / size);
  const double half = z * std::sqrt(variance) / size;
  return {.d = d, .lo = std::max(-1.0, d - half), .hi = std::min(1.0, d + half)};
}

}  // namespace selftune::stats
