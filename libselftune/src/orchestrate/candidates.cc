#include "orchestrate/candidates.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/strings.h"

namespace selftune::orchestrate {
namespace {

using monitoring::State;
using monitoring::Trend;

constexpr int64_t kComplaintWeight = 150;
constexpr int64_t kManualWeight = 50;
constexpr int64_t kSignalCap = 450;
constexpr std::string_view kSeeSettings = "selftune doctor --only skills.parse";

int64_t SignalWeight(const CandidateFacts& facts) {
  return std::min(kSignalCap, kComplaintWeight * (facts.corrections + facts.requests) +
                                  kManualWeight * facts.manual);
}

bool HasSignals(const CandidateFacts& facts) {
  return SignalWeight(facts) > 0 || facts.unwanted > 0;
}

// The first rule that says no; "" when none does.
std::string_view WhyNot(const CandidateFacts& facts, const SelectOptions& options) {
  if (!options.only_skill.empty() && !base::EqualsIgnoreCase(options.only_skill, facts.skill)) {
    return "filtered";
  }
  if (!facts.installed) return "skill_missing";
  if (facts.ambiguous) return "ambiguous";
  if (facts.managed) return "plugin_managed";
  if (facts.held) return "held_by_host";
  if (facts.locked) return "locked";
  if (facts.explicit_only) return "explicit_only";
  if (facts.disabled) return "disabled";
  if (!facts.unknown_settings.empty()) return "settings_unknown";
  if (facts.frozen_until.has_value() && *facts.frozen_until > options.now) return "frozen";
  if (facts.cooldown_until.has_value() && *facts.cooldown_until > options.now) return "cooldown";
  if (HasSignals(facts) || facts.missed > 0) return options.agent_available ? "" : "no_agent";
  if (facts.state == State::kHealthy) return "healthy";
  if (facts.state == State::kUnknown || facts.state == State::kUngraded) {
    return facts.labelled == 0 ? "no_signal" : "insufficient_evidence";
  }
  if (facts.state == State::kCritical) return options.agent_available ? "" : "no_agent";
  return "weak_signal";
}

std::string_view Words(std::string_view reason_code) {
  static constexpr std::pair<std::string_view, std::string_view> kWords[] = {
      {"selected", "worth improving"},
      {"filtered", "another skill was asked for"},
      {"skill_missing", "its SKILL.md is not installed"},
      {"ambiguous", "several texts have this name; name one with --skill-path"},
      {"plugin_managed", "a plugin or administrator owns its file, or hard links share it"},
      {"held_by_host", "its host has a change of it waiting for a person"},
      {"locked", "locked by the configuration"},
      {"explicit_only", "only a command may load it"},
      {"disabled", "settings of the agents switch it off"},
      {"settings_unknown", "nobody knows whether settings switch it off"},
      {"frozen", "rolled back recently"},
      {"cooldown", "changed recently"},
      {"no_agent", "no agent command to ask is on PATH"},
      {"healthy", "it fires where it is needed"},
      {"no_signal", "nothing asks for another description"},
      {"insufficient_evidence", "too few judged prompts"},
      {"weak_signal", "no miss and no complaint"},
      {"capped", "others need it more"},
  };
  for (const auto& [code, words] : kWords) {
    if (code == reason_code) return words;
  }
  return reason_code;
}

// "corrected in 1 session, started by hand in 3 sessions": what speaks for a skill that
// was not missed.
std::string Grounds(const CandidateFacts& facts) {
  const std::pair<std::string_view, int64_t> signals[] = {{"corrected", facts.corrections},
                                                          {"asked for", facts.requests},
                                                          {"started by hand", facts.manual},
                                                          {"unwanted", facts.unwanted}};
  std::string out;
  for (const auto& [what, sessions] : signals) {
    if (sessions == 0) continue;
    out += fmt::format("{}{} in {} {}", out.empty() ? "" : ", ", what, sessions,
                       sessions == 1 ? "session" : "sessions");
  }
  return out.empty() ? "its judged sessions go badly" : out;
}

std::string Why(std::string_view reason_code, const CandidateFacts& facts) {
  if (reason_code == "settings_unknown") {
    return fmt::format("{}: {} is not understood; see what is wrong there with {}",
                       Words(reason_code), facts.unknown_settings, kSeeSettings);
  }
  if (reason_code != "selected" || facts.missed > 0) return std::string(Words(reason_code));
  return "worth a look, though it was not missed: " + Grounds(facts);
}

std::string Figures(const CandidateFacts& facts) {
  return fmt::format(
      "last {} days: state={}, missed={}, labelled={}, corrections={}, requests={}, manual={}, "
      "unwanted={}, trend={}",
      kCandidateDays, monitoring::Word(facts.state), facts.missed, facts.labelled,
      facts.corrections, facts.requests, facts.manual, facts.unwanted,
      monitoring::Word(facts.trend));
}

// Misses that other commands show and this decision does not count, because they are
// too old; "" when there are none, or when newer ones decide.
std::string OlderMisses(const CandidateFacts& facts) {
  if (facts.missed > 0 || facts.missed_before == 0) return "";
  const std::vector<std::string> look =
      base::WithFlag({"selftune", "evidence", "--outcome", "missed"}, "--skill", facts.skill);
  return fmt::format("; missed {} {} before that, see {}", facts.missed_before,
                     facts.missed_before == 1 ? "time" : "times", base::JoinCommand(look));
}

}  // namespace

double Overlap(const std::set<std::string>& a, const std::set<std::string>& b) {
  if (a.empty() || b.empty()) return 0;
  const auto shared = std::count_if(a.begin(), a.end(),
                                    [&](const std::string& prompt) { return b.contains(prompt); });
  return static_cast<double>(shared) / static_cast<double>(std::min(a.size(), b.size()));
}

int64_t Priority(const CandidateFacts& facts) {
  const int64_t base = facts.state == State::kCritical  ? 300
                       : facts.state == State::kWarning ? 200
                                                        : 100;
  const int64_t rate = facts.good_rate.has_value()
                           ? static_cast<int64_t>(std::lround((1 - *facts.good_rate) * 100))
                           : 0;
  return base + std::min<int64_t>(facts.missed, 50) + rate +
         (facts.trend == Trend::kDown ? 30 : 0) + SignalWeight(facts);
}

std::vector<Decision> SelectCandidates(const std::vector<CandidateFacts>& facts,
                                       const SelectOptions& options) {
  std::vector<const CandidateFacts*> order;
  order.reserve(facts.size());
  for (const CandidateFacts& entry : facts) order.push_back(&entry);
  std::sort(order.begin(), order.end(), [](const CandidateFacts* a, const CandidateFacts* b) {
    const int64_t pa = Priority(*a);
    const int64_t pb = Priority(*b);
    if (pa != pb) return pa > pb;
    const int64_t ta = a->last_evolved.value_or(UtcMillis{0}).value;
    const int64_t tb = b->last_evolved.value_or(UtcMillis{0}).value;
    return ta != tb ? ta < tb : a->skill < b->skill;
  });
  std::vector<Decision> out;
  int64_t selected = 0;
  for (const CandidateFacts* entry : order) {
    Decision& decision = out.emplace_back();
    decision.skill = entry->skill;
    decision.priority = Priority(*entry);
    decision.over_trigger = kComplaintWeight * entry->unwanted;
    decision.reason_code = WhyNot(*entry, options);
    if (decision.reason_code.empty() && selected == options.max_skills) {
      decision.reason_code = "capped";
    }
    if (decision.reason_code.empty()) {
      ++selected;
      decision.action = Action::kEvolve;
      decision.reason_code = "selected";
    }
    decision.reason = fmt::format("{}; {}{}", Why(decision.reason_code, *entry), Figures(*entry),
                                  OlderMisses(*entry));
  }
  return out;
}

}  // namespace selftune::orchestrate
