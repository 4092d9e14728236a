// Which skills a run works on, and why. Pure: the same facts give the same list.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "monitoring/health.h"

namespace selftune::orchestrate {

// What is older says nothing about the description as it is now.
inline constexpr int64_t kCandidateDays = 30;

struct CandidateFacts {
  std::string skill;
  monitoring::State state = monitoring::State::kUnknown;
  monitoring::Trend trend = monitoring::Trend::kUnknown;
  int64_t missed = 0;         // sessions of kCandidateDays, causes that a description can cure
  int64_t missed_before = 0;  // prompts before that, of whatever cause
  int64_t labelled = 0;       // sessions with a label
  std::optional<double> good_rate;
  int64_t corrections = 0, requests = 0, manual = 0, unwanted = 0;  // sessions with pending signals
  bool installed = true;                                            // a SKILL.md was found
  bool ambiguous = false;  // several texts have this name, and none was named
  bool managed = false;    // by a plugin, an administrator, read-only
  bool held = false;       // its host has a change of it waiting for a person
  bool locked = false;
  bool explicit_only = false;    // no description makes the model load it
  bool disabled = false;         // settings switch it off wherever it is installed
  std::string unknown_settings;  // nobody knows whether these do; "" = it is known
  std::optional<UtcMillis> cooldown_until, frozen_until, last_evolved;
};

struct SelectOptions {
  std::string only_skill;  // "" = all
  int64_t max_skills = 5;
  bool agent_available = true;
  UtcMillis now;
};

enum class Action { kEvolve, kSkip };

struct Decision {
  std::string skill;
  Action action = Action::kSkip;
  std::string_view reason_code;  // selected filtered healthy cooldown frozen locked no_signal
                                 // insufficient_evidence capped no_agent skill_missing
                                 // plugin_managed held_by_host explicit_only disabled ambiguous
                                 // settings_unknown overlap
  std::string reason;            // one line: why, the days looked at, the figures
  int64_t priority = 0;
  int64_t over_trigger = 0;  // weight of unwanted uses, apart
};

// Ordered by priority, then by the oldest change, then by name.
[[nodiscard]] std::vector<Decision> SelectCandidates(const std::vector<CandidateFacts>& facts,
                                                     const SelectOptions& options);

// Share of the smaller set that the other has too; 0 when one is empty.
[[nodiscard]] double Overlap(const std::set<std::string>& a, const std::set<std::string>& b);

// Weight of one skill's facts; skips do not change it.
[[nodiscard]] int64_t Priority(const CandidateFacts& facts);

}  // namespace selftune::orchestrate
