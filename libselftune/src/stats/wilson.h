// Interval for a rate, for display and for guarded decisions.
#pragma once

namespace selftune::stats {

inline constexpr double kZ95 = 1.959963984540054;  // two-sided 95 %
inline constexpr double kZ90OneSided = 1.2816;     // one-sided 90 %, as monitoring uses it

struct Interval {
  double lo = 0;
  double hi = 1;
};

// Wilson score interval of `successes` in `n`, clamped to [0, 1]; [0, 1] for
// n <= 0. Real arguments, so that weighted counts have an interval too.
[[nodiscard]] Interval Wilson(double successes, double n, double z = kZ95);
[[nodiscard]] double WilsonLower(double successes, double n, double z);

}  // namespace selftune::stats
