// What hooks may suggest to an agent, the weightiest first. Data alone: the hook program
// reads this table and links no settings.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace selftune::config {

struct SuggestionRule {
  std::string_view id;  // of the setting: suggest.<id>
  // Where the settings do not say, suggest.<id> and suggest.<id>_days.
  bool enabled;
  int cooldown_days;  // after it spoke; 1 = not twice in a day
  // "{}" is the skill. One whose name may not be said is "a skill", and has the other command.
  std::string_view text;
  std::string_view command, command_without_name;
};

// In the order of the table.
enum class SuggestionId : uint8_t { kCorrection, kRegression, kBroken, kReview };

inline constexpr std::array<SuggestionRule, 4> kSuggestionRules = {{
    {.id = "correction",
     .enabled = true,
     .cooldown_days = 1,
     .text = "the user says that {} should have been used",
     .command = "selftune why {}",
     .command_without_name = "selftune last"},
    {.id = "regression",
     .enabled = true,
     .cooldown_days = 1,
     .text = "{} does worse since its description was changed",
     .command = "selftune watch --skill {}",
     .command_without_name = "selftune watch"},
    {.id = "broken",
     .enabled = true,
     .cooldown_days = 7,
     .text = "what an agent tells of its sessions cannot be read any more",
     .command = "selftune doctor",
     .command_without_name = "selftune doctor"},
    {.id = "review",
     .enabled = true,
     .cooldown_days = 1,
     .text = "a better description of {} waits for a review",
     .command = "selftune proposals list --state open",
     .command_without_name = "selftune proposals list --state open"},
}};
// That a rule spoke is remembered for so long (capi/hook_notes).
inline constexpr int kMaxCooldownDays = 30;
inline constexpr std::string_view kDaysSuffix = "_days";
[[nodiscard]] constexpr bool IsCooldown(int64_t days) {
  return days >= 1 && days <= kMaxCooldownDays;
}

[[nodiscard]] constexpr const SuggestionRule& RuleOf(SuggestionId which) {
  return kSuggestionRules[static_cast<size_t>(which)];
}
static_assert(std::ranges::all_of(kSuggestionRules, [](const SuggestionRule& rule) {
  return IsCooldown(rule.cooldown_days);
}));
// nullptr: there is no such rule.
[[nodiscard]] constexpr const SuggestionRule* FindRule(std::string_view id) {
  for (const SuggestionRule& rule : kSuggestionRules) {
    if (rule.id == id) return &rule;
  }
  return nullptr;
}

}  // namespace selftune::config
