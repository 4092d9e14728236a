// The beta and binomial distributions, and the exact interval for a rate.
#pragma once

#include <cstdint>

#include "stats/wilson.h"

namespace selftune::stats {

// I_x(a, b) for a, b > 0 and x in [0, 1].
[[nodiscard]] double RegularizedBeta(double x, double a, double b);
// The x with I_x(a, b) = p.
[[nodiscard]] double InverseRegularizedBeta(double p, double a, double b);

[[nodiscard]] double LogChoose(int64_t n, int64_t k);
[[nodiscard]] double BinomialPmf(int64_t k, int64_t n, double p);
[[nodiscard]] double BinomialAtLeast(int64_t k, int64_t n, double p);  // P(X >= k)
[[nodiscard]] double BinomialAtMost(int64_t k, int64_t n, double p);   // P(X <= k)

// Clopper-Pearson; never covers less than `confidence`. [0, 1] for n <= 0.
[[nodiscard]] Interval ClopperPearson(int64_t successes, int64_t n, double confidence = 0.95);

}  // namespace selftune::stats
