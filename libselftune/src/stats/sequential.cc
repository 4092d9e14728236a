#include "stats/sequential.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "stats/wilson.h"

namespace selftune::stats {
namespace {

constexpr double kBets[] = {0.1, 0.3, 0.5, 0.7, 0.9};
constexpr double kLowestNull = 0.05;
constexpr double kUnknownNull = 0.4;
constexpr int64_t kMinBaseline = 10;

// Mean over the bets of (1 + c * odds)^hits * (1 - c)^others.
double Mixture(int64_t hits, int64_t others, double odds) {
  double sum = 0;
  for (const double bet : kBets) {
    sum += std::pow(1 + bet * odds, static_cast<double>(hits)) *
           std::pow(1 - bet, static_cast<double>(others));
  }
  return sum / static_cast<double>(std::size(kBets));
}

// Smallest number of further sessions with which `reached` holds and the watch
// has not ended for want of evidence.
template <typename Reached>
std::optional<int64_t> Needed(const WatchCounts& counts, const WatchRules& rules, Reached reached) {
  const int64_t seen = counts.bad + counts.good;
  for (int64_t more = 1; seen + more <= rules.max_observations; ++more) {
    const bool enough = seen + more >= rules.min_observations &&
                        (counts.distinct_sessions + more >= rules.min_sessions ||
                         counts.distinct_days >= rules.min_days);
    if (enough && reached(more)) return more;
  }
  return std::nullopt;
}

// Probability mass of the runs still open, by number of bad sessions.
using Open = std::vector<double>;

}  // namespace

double WatchNullRate(int64_t good, int64_t n, double delta) {
  if (n < kMinBaseline) return kUnknownNull;
  const double lower = WilsonLower(static_cast<double>(good), static_cast<double>(n), kZ90OneSided);
  return std::max(kLowestNull, lower - delta);
}

double EDown(int64_t bad, int64_t good, double q) { return Mixture(bad, good, q / (1 - q)); }

double EUp(int64_t bad, int64_t good, double q) { return Mixture(good, bad, (1 - q) / q); }

WatchDecision DecideWatch(const WatchCounts& counts, const WatchRules& rules) {
  const double down = 1 / rules.alpha;
  const int64_t seen = counts.bad + counts.good;
  WatchDecision decision;
  decision.e_down = EDown(counts.bad, counts.good, rules.q);
  decision.e_up = EUp(counts.bad, counts.good, rules.q);
  const bool enough =
      seen >= rules.min_observations &&
      (counts.distinct_days >= rules.min_days || counts.distinct_sessions >= rules.min_sessions);
  if (enough && decision.e_down >= down) {
    decision.outcome = WatchOutcome::kRegressed;
  } else if (enough && decision.e_up >= rules.confirm) {
    decision.outcome = WatchOutcome::kConfirmed;
  } else if (seen >= rules.max_observations || counts.age_days >= rules.max_age_days) {
    decision.outcome = WatchOutcome::kInconclusive;
  } else {
    decision.bad_needed = Needed(counts, rules, [&](int64_t more) {
      return EDown(counts.bad + more, counts.good, rules.q) >= down;
    });
    decision.good_needed = Needed(counts, rules, [&](int64_t more) {
      return EUp(counts.bad, counts.good + more, rules.q) >= rules.confirm;
    });
  }
  return decision;
}

OperatingCharacteristics WatchCharacteristics(double q, double true_rate, int64_t horizon,
                                              double down_threshold, double up_threshold,
                                              int64_t min_observations) {
  OperatingCharacteristics result;
  Open open = {1.0};
  for (int64_t seen = 1; seen <= horizon; ++seen) {
    Open next(static_cast<size_t>(seen) + 1, 0.0);
    for (size_t bad = 0; bad < open.size(); ++bad) {
      next[bad] += open[bad] * true_rate;
      next[bad + 1] += open[bad] * (1 - true_rate);
    }
    for (size_t i = 0; seen >= min_observations && i < next.size(); ++i) {
      const auto bad = static_cast<int64_t>(i);
      if (EDown(bad, seen - bad, q) >= down_threshold) {
        result.p_rollback += std::exchange(next[i], 0.0);
      } else if (EUp(bad, seen - bad, q) >= up_threshold) {
        result.p_confirm += std::exchange(next[i], 0.0);
      }
    }
    if (!result.median_observations.has_value() && result.p_rollback >= 0.5) {
      result.median_observations = seen;
    }
    open = std::move(next);
  }
  result.p_open = 0;
  for (const double mass : open) result.p_open += mass;
  return result;
}

Cusum::Cusum(double p0, double p1)
    : bad_(std::log((1 - p1) / (1 - p0))), good_(std::log(p1 / p0)) {}

bool Cusum::Add(bool good, double alarm) {
  s_ = std::max(0.0, s_ + (good ? good_ : bad_));
  return s_ >= alarm;
}

WeightedRate DecayedRate(std::span<const AgedOutcome> outcomes, double half_life_days) {
  double sum = 0;
  double squares = 0;
  double good = 0;
  for (const AgedOutcome& outcome : outcomes) {
    const double weight = std::exp2(-std::max(0.0, outcome.age_days) / half_life_days);
    sum += weight;
    squares += weight * weight;
    if (outcome.good) good += weight;
  }
  if (sum <= 0 || squares <= 0) return {};
  const double n = sum * sum / squares;
  const double rate = good / sum;
  return {.good = rate * n, .n = n, .rate = rate};
}

}  // namespace selftune::stats
