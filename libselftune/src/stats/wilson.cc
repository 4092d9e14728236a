#include "stats/wilson.h"

#include <algorithm>
#include <cmath>

namespace selftune::stats {

Interval Wilson(double successes, double n, double z) {
  if (!(n > 0)) return {0, 1};
  const double k = std::clamp(successes, 0.0, n);
  const double p = k / n;
  const double z2 = z * z;
  const double shrink = 1 + z2 / n;
  const double center = (p + z2 / (2 * n)) / shrink;
  const double half = z / shrink * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  // The formula gives the ends exactly, floating point only nearly.
  return {k == 0 ? 0 : std::max(0.0, center - half), k == n ? 1 : std::min(1.0, center + half)};
}

double WilsonLower(double successes, double n, double z) { return Wilson(successes, n, z).lo; }

}  // namespace selftune::stats
