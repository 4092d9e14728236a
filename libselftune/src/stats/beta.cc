#include "stats/beta.h"

#include <math.h>  // lgamma_r: std::lgamma writes a global

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "stats/wilson.h"

namespace selftune::stats {
namespace {

double LogGamma(double x) {
  int sign = 0;
  return lgamma_r(x, &sign);
}

// Lentz's algorithm for the continued fraction of I_x(a, b); converges fast
// for x < (a + 1) / (a + b + 2).
double BetaFraction(double x, double a, double b) {
  constexpr double kTiny = 1e-300;
  constexpr int kMaxSteps = 10'000;
  const auto away_from_zero = [](double v) { return std::abs(v) < kTiny ? kTiny : v; };
  double c = 1;
  double d = 1 / away_from_zero(1 - (a + b) * x / (a + 1));
  double value = d;
  for (int m = 1; m <= kMaxSteps; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away_from_zero(1 + even * d);
    c = away_from_zero(1 + even / c);
    value *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away_from_zero(1 + odd * d);
    c = away_from_zero(1 + odd / c);
    const double step = d * c;
    value *= step;
    if (std::abs(step - 1) < 4 * std::numeric_limits<double>::epsilon()) break;
  }
  return value;
}

double SumPmf(int64_t from, int64_t to, int64_t n, double p) {
  double sum = 0;
  for (int64_t k = from; k <= to; ++k) sum += BinomialPmf(k, n, p);
  return sum;
}

}  // namespace

double RegularizedBeta(double x, double a, double b) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double log_front =
      LogGamma(a + b) - LogGamma(a) - LogGamma(b) + a * std::log(x) + b * std::log1p(-x);
  const double front = std::exp(log_front);
  if (x < (a + 1) / (a + b + 2)) return front * BetaFraction(x, a, b) / a;
  return 1 - front * BetaFraction(1 - x, b, a) / b;
}

double InverseRegularizedBeta(double p, double a, double b) {
  if (p <= 0) return 0;
  if (p >= 1) return 1;
  double low = 0;
  double high = 1;
  while (true) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return middle;  // neighbours
    if (RegularizedBeta(middle, a, b) < p) {
      low = middle;
    } else {
      high = middle;
    }
    if (high - low < 1e-15) return low + (high - low) / 2;
  }
}

double LogChoose(int64_t n, int64_t k) {
  const auto x = static_cast<double>(n);
  const auto y = static_cast<double>(k);
  return LogGamma(x + 1) - LogGamma(y + 1) - LogGamma(x - y + 1);
}

double BinomialPmf(int64_t k, int64_t n, double p) {
  if (k < 0 || k > n) return 0;
  if (p <= 0) return k == 0 ? 1 : 0;
  if (p >= 1) return k == n ? 1 : 0;
  return std::exp(LogChoose(n, k) + static_cast<double>(k) * std::log(p) +
                  static_cast<double>(n - k) * std::log1p(-p));
}

double BinomialAtLeast(int64_t k, int64_t n, double p) {
  if (k <= 0) return 1;
  if (k > n) return 0;
  // The shorter tail loses fewer digits.
  const bool upper = static_cast<double>(k) > static_cast<double>(n) * p;
  return std::clamp(upper ? SumPmf(k, n, n, p) : 1 - SumPmf(0, k - 1, n, p), 0.0, 1.0);
}

double BinomialAtMost(int64_t k, int64_t n, double p) { return BinomialAtLeast(n - k, n, 1 - p); }

Interval ClopperPearson(int64_t successes, int64_t n, double confidence) {
  if (n <= 0) return {0, 1};
  const int64_t k = std::clamp<int64_t>(successes, 0, n);
  const double tail = (1 - confidence) / 2;
  const auto hits = static_cast<double>(k);
  const auto misses = static_cast<double>(n - k);
  return {k == 0 ? 0 : InverseRegularizedBeta(tail, hits, misses + 1),
          k == n ? 1 : InverseRegularizedBeta(1 - tail, hits + 1, misses)};
}

}  // namespace selftune::stats
