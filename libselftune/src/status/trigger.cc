#include "status/trigger.h"

#include <algorithm>
#include <map>
#include <string>

namespace selftune::status {
namespace {

// A label decides; a miss without one counts as it stands.
bool Needed(const store::JudgedPrompt& prompt) {
  return prompt.label.empty() ? prompt.missed : prompt.label == "should";
}

void AddMiss(const store::JudgedPrompt& prompt, std::map<std::string, int64_t>& causes,
             TriggerCounts& counts) {
  const std::string cause = prompt.cause.empty() ? "unknown" : prompt.cause;
  ++counts.missed;
  ++causes[cause];
  counts.curable += cause == "description" ? 1 : 0;
}

}  // namespace

std::optional<double> TriggerCounts::recall() const {
  if (expected == 0) return std::nullopt;
  return static_cast<double>(hit) / static_cast<double>(expected);
}

stats::Interval TriggerCounts::interval() const {
  return stats::Wilson(static_cast<double>(hit), static_cast<double>(expected));
}

TriggerCounts CountTriggers(std::span<const store::JudgedPrompt> prompts) {
  TriggerCounts counts;
  std::map<std::string, int64_t> causes;
  for (const store::JudgedPrompt& prompt : prompts) {
    if (prompt.label == "should_not" && prompt.by_model) ++counts.unwanted;
    if (!Needed(prompt)) continue;
    if (prompt.by_model) {
      ++counts.hit;
    } else if (prompt.by_user) {
      ++counts.by_hand;
    } else {
      AddMiss(prompt, causes, counts);
    }
  }
  counts.expected = counts.hit + counts.missed;
  counts.causes.assign(causes.begin(), causes.end());
  std::stable_sort(counts.causes.begin(), counts.causes.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return counts;
}

}  // namespace selftune::status
