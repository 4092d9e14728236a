// Watching a deployed change: a sequential test that may be looked at after
// every session without raising its false alarm rate, and a drift detector.
// bad / good: labelled sessions since the deploy.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace selftune::stats {

inline constexpr double kWatchDelta = 0.10;
inline constexpr double kWatchAlpha = 0.05;
inline constexpr double kCanaryAlpha = 0.10;
inline constexpr double kConfirmThreshold = 20;

// The good rate q below which a change counts as worse: Wilson lower bound of
// `good` in `n` before the deploy minus delta, at least 0.05; 0.4 for n < 10.
[[nodiscard]] double WatchNullRate(int64_t good, int64_t n, double delta = kWatchDelta);

// Evidence against "good rate >= q"; q in (0, 1). Under it, the probability
// of ever reaching 1/alpha is at most alpha.
[[nodiscard]] double EDown(int64_t bad, int64_t good, double q);
// Evidence against "good rate <= q".
[[nodiscard]] double EUp(int64_t bad, int64_t good, double q);

struct WatchRules {
  double q = 0.4;
  double alpha = kWatchAlpha;  // rollback at EDown >= 1 / alpha
  double confirm = kConfirmThreshold;
  int64_t min_observations = 5;
  int64_t min_days = 3;  // or
  int64_t min_sessions = 5;
  int64_t max_observations = 60;
  int64_t max_age_days = 30;
};

struct WatchCounts {
  int64_t bad = 0, good = 0;
  int64_t distinct_days = 0;      // days with an observation
  int64_t distinct_sessions = 0;  // sessions with an observation
  int64_t age_days = 0;           // since the deploy
};

enum class WatchOutcome { kWatching, kRegressed, kConfirmed, kInconclusive };

struct WatchDecision {
  WatchOutcome outcome = WatchOutcome::kWatching;
  double e_down = 1, e_up = 1;
  // Sessions of one kind in a row from here to each boundary; nullopt when the
  // watch would end before.
  std::optional<int64_t> bad_needed, good_needed;
};
// Depends on counts only: any order of the sessions gives the same answer.
[[nodiscard]] WatchDecision DecideWatch(const WatchCounts& counts, const WatchRules& rules);

struct OperatingCharacteristics {
  double p_rollback = 0, p_confirm = 0, p_open = 1;
  // Observations until half of all runs were rolled back; empty if fewer are.
  std::optional<int64_t> median_observations;
};
// Exact, by dynamic programming over (bad, good). O(horizon^2).
[[nodiscard]] OperatingCharacteristics WatchCharacteristics(double q, double true_rate,
                                                            int64_t horizon, double down_threshold,
                                                            double up_threshold,
                                                            int64_t min_observations);

// Bernoulli CUSUM for slow drift from good rate p0 to p1 < p0.
class Cusum {
 public:
  static constexpr double kAlarm = 3.5;
  static constexpr double kDrop = 0.2;  // p1 = p0 - kDrop

  Cusum(double p0, double p1);
  // Adds one session; true when the alarm level is reached.
  bool Add(bool good, double alarm = kAlarm);
  [[nodiscard]] double value() const { return s_; }

 private:
  double bad_, good_;  // increments
  double s_ = 0;
};

struct AgedOutcome {
  double age_days = 0;
  bool good = false;
};
struct WeightedRate {
  double good = 0;  // rate * n, for Wilson()
  double n = 0;     // effective: (sum w)^2 / sum w^2
  double rate = 0;  // 0 without outcomes
};
// Weights halve every `half_life_days`.
[[nodiscard]] WeightedRate DecayedRate(std::span<const AgedOutcome> outcomes,
                                       double half_life_days = 14);

}  // namespace selftune::stats
