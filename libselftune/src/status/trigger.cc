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

bool IsMiss(const store::JudgedPrompt& prompt) {
  if (prompt.by_model || prompt.by_user || !Needed(prompt)) return false;
  return prompt.missed || !prompt.by_command;
}

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
    } else if (IsMiss(prompt)) {
      AddMiss(prompt, causes, counts);
    } else {
      ++counts.by_hand;
    }
  }
  counts.expected = counts.hit + counts.missed;
  counts.causes.assign(causes.begin(), causes.end());
  std::stable_sort(counts.causes.begin(), counts.causes.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return counts;
}

}  // namespace selftune::status
