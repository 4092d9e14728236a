// Exact tests for the same entries measured before and after a change.
// gains: failed before, passes now. losses: passed before, fails now.
#pragma once

#include <cstdint>

namespace selftune::stats {

// P(Bin(gains + losses, 1/2) >= gains): one-sided for improvement; 1 without
// a difference.
[[nodiscard]] double SignTest(int64_t gains, int64_t losses);
[[nodiscard]] double McNemarTwoSided(int64_t gains, int64_t losses);
[[nodiscard]] double McNemarMidP(int64_t gains, int64_t losses);  // two-sided

// Smallest number of gains with SignTest(gains, losses) <= alpha; alpha > 0.
[[nodiscard]] int64_t MinGains(int64_t losses, double alpha);

struct PairedDifference {
  double d = 0;  // shrunken estimate of the change of the pass rate
  double lo = 0;
  double hi = 0;
};
// Agresti-Min interval over `n` entries. n = 0: d = 0, [-1, 1].
[[nodiscard]] PairedDifference AgrestiMin(int64_t gains, int64_t losses, int64_t n,
                                          double z = 1.959963984540054);

}  // namespace selftune::stats
