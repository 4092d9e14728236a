#include "monitoring/health.h"

#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "monitoring/outcome.h"
#include "stats/comparison.h"
#include "stats/sequential.h"

namespace selftune::monitoring {
namespace {

constexpr double kWindowDays = 30;
constexpr double kMinEffective = 5;
constexpr double kTrendP = 0.10;
constexpr double kTrendDifference = 0.10;
constexpr int64_t kTrendMinPerSide = 5;

struct Side {
  int64_t good = 0, bad = 0;
  [[nodiscard]] int64_t n() const { return good + bad; }
  [[nodiscard]] double rate() const {
    return n() == 0 ? 0 : static_cast<double>(good) / static_cast<double>(n());
  }
};

void Decide(const HealthInput& input, Health& health) {
  if (!input.ever_seen) {
    health.state = State::kUnknown;
    health.state_reason = "no_evidence";
  } else if (input.watch_state == "regressed") {
    health.state = State::kCritical;
    health.state_reason = "watch_regressed";
  } else if (health.effective_n < kMinEffective) {
    health.state = State::kUngraded;
    health.state_reason = "too_few_labels";
  } else if (health.interval.hi < 0.5) {
    health.state = State::kCritical;
    health.state_reason = "upper_below_half";
  } else if (health.interval.hi < 0.75) {
    health.state = State::kWarning;
    health.state_reason = "upper_below_three_quarters";
  } else if (input.drifting) {
    health.state = State::kWarning;
    health.state_reason = "drifting";
  } else if (health.interval.lo >= 0.6) {
    health.state = State::kHealthy;
    health.state_reason = "lower_above_0_6";
  } else {
    health.state = State::kUncertain;
    health.state_reason = "interval_too_wide";
  }
}

void DecideTrend(const Side& now, const Side& before, Health& health) {
  if (now.n() < kTrendMinPerSide || before.n() < kTrendMinPerSide) return;
  health.trend_p = stats::FisherTwoSided(now.good, now.n(), before.good, before.n());
  const double difference = now.rate() - before.rate();
  health.trend = health.trend_p <= kTrendP && std::abs(difference) >= kTrendDifference
                     ? (difference > 0 ? Trend::kUp : Trend::kDown)
                     : Trend::kStable;
}

}  // namespace

std::string_view Word(State state) {
  switch (state) {
    case State::kUnknown:
      return "UNKNOWN";
    case State::kUngraded:
      return "UNGRADED";
    case State::kCritical:
      return "CRITICAL";
    case State::kWarning:
      return "WARNING";
    case State::kUncertain:
      return "UNCERTAIN";
    case State::kHealthy:
      return "HEALTHY";
  }
  return "UNKNOWN";
}

std::string_view Word(Trend trend) {
  switch (trend) {
    case Trend::kUnknown:
      return "unknown";
    case Trend::kUp:
      return "up";
    case Trend::kStable:
      return "stable";
    case Trend::kDown:
      return "down";
  }
  return "unknown";
}

Health Classify(const HealthInput& input, UtcMillis now) {
  Health health;
  Side recent;
  Side before;
  std::vector<stats::AgedOutcome> outcomes;
  for (const store::SkillSession& session : input.sessions) {
    const double age = static_cast<double>(now.value - session.started.value) / kDayMs;
    if (age > 2 * kWindowDays) continue;
    if (age <= kWindowDays) ++health.sessions;
    const Outcome outcome = JudgeSession(session, "");
    if (!outcome.good.has_value()) continue;
    Side& side = age <= kWindowDays ? recent : before;
    ++(*outcome.good ? side.good : side.bad);
    if (age <= kWindowDays) outcomes.push_back({.age_days = age, .good = *outcome.good});
  }
  health.good = recent.good;
  health.bad = recent.bad;
  health.good_before = before.good;
  health.bad_before = before.bad;
  const stats::WeightedRate rate = stats::DecayedRate(outcomes);
  health.effective_n = rate.n;
  health.interval = stats::Wilson(rate.good, rate.n, stats::kZ90OneSided);
  Decide(input, health);
  DecideTrend(recent, before, health);
  return health;
}

}  // namespace selftune::monitoring
