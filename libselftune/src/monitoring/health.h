// How a skill does lately: a state that comes with its evidence, never a bare
// percentage.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "stats/wilson.h"
#include "store/watch_rows.h"

namespace selftune::monitoring {

enum class State { kUnknown, kUngraded, kCritical, kWarning, kUncertain, kHealthy };
enum class Trend { kUnknown, kUp, kStable, kDown };
[[nodiscard]] std::string_view Word(State state);  // "CRITICAL"
[[nodiscard]] std::string_view Word(Trend trend);  // "down"

struct HealthInput {
  std::vector<store::SkillSession> sessions;  // of the last 60 days, any order
  std::string_view watch_state;               // of the newest watch, "" = none
  bool drifting = false;
  bool ever_seen = false;  // any evidence at all
};

struct Health {
  State state = State::kUnknown;
  std::string_view state_reason;  // stable code: no_evidence too_few_labels upper_below_half ...
  int64_t good = 0, bad = 0;      // labelled sessions of the last 30 days
  int64_t good_before = 0, bad_before = 0;  // of the 30 days before
  int64_t sessions = 0;                     // sessions with evidence in them
  double effective_n = 0;                   // weights halve every 14 days
  stats::Interval interval;                 // of the good rate, one-sided 90 %
  Trend trend = Trend::kUnknown;
  double trend_p = 1;  // of the difference to the 30 days before
};

[[nodiscard]] Health Classify(const HealthInput& input, UtcMillis now);

}  // namespace selftune::monitoring
