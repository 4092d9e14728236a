// How often a skill came when it was needed. The one definition of recall that
// every readout uses.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "stats/wilson.h"
#include "store/queries/health.h"

namespace selftune::status {

// Of the prompts at which somebody said that the skill should run (effective
// label `should`, or a missed row that no label contradicts):
struct TriggerCounts {
  int64_t expected = 0;  // hit + missed
  int64_t hit = 0;       // the model loaded it in that turn
  int64_t missed = 0;    // IsMiss
  // The person asked by the skill's own command, whether or not that loaded it:
  // the model was not asked, so that these count neither as hit nor as missed. Not
  // part of expected.
  int64_t by_hand = 0;
  // Prompts labelled `should_not` at which the model loaded it.
  int64_t unwanted = 0;
  std::vector<std::pair<std::string, int64_t>> causes;  // of the missed, most frequent first
  int64_t curable = 0;  // missed although the model saw name and description

  [[nodiscard]] std::optional<double> recall() const;  // empty without an expected prompt
  [[nodiscard]] stats::Interval interval() const;      // 95 %
};

// Somebody judged that the skill should have run, and nothing loaded it: the
// rows with outcome `missed` of the public view that no label contradicts. A
// command that nothing loaded is `requested`, not missed.
[[nodiscard]] bool IsMiss(const store::JudgedPrompt& prompt);

// All prompts are of one skill.
[[nodiscard]] TriggerCounts CountTriggers(std::span<const store::JudgedPrompt> prompts);

}  // namespace selftune::status
