#include "status/summary.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/strings.h"

namespace selftune::status {
namespace {

using monitoring::State;

constexpr size_t kNamed = 3;  // skills in a sentence
constexpr char kHowToJudge[] =
    "Say in a session when a skill was missing or in the way (\"why didn't you use NAME?\", \"stop "
    "using NAME\"); the next selftune sync hears it.";

std::string Plural(int64_t n, std::string_view word) {
  return fmt::format("{} {}{}", n, word, n == 1 ? "" : "s");
}

// What can be done about a skill that does badly.
std::vector<std::string> Improve(const SkillState& state) {
  const bool ours = state.installed() && !state.managed && !state.disabled &&
                    state.autonomy != config::SkillAutonomy::kLocked;
  if (ours) return base::WithFlag({"selftune", "evolve"}, "--skill", state.totals.name);
  return {"selftune", "skills", "show", state.totals.name};
}

std::optional<Attention> HowItDoes(const SkillState& state) {
  Attention out{.skill_id = state.totals.id, .skill = state.totals.name, .at = state.totals.last};
  const bool regressed = state.watch.has_value() && state.watch->state == "regressed";
  const bool drifting = state.watch.has_value() && state.watch->drifting;
  if (regressed) {
    out.kind = "regressed";
    out.severity = Severity::kCritical;
    out.reason = "its last change made it worse";
    out.argv = base::WithFlag({"selftune", "evolve", "rollback"}, "--skill", state.totals.name);
    if (state.deploy.has_value()) out.at = state.deploy->at;
    return out;
  }
  if (state.health.state == State::kCritical) {
    out.kind = "critical";
    out.severity = Severity::kCritical;
  } else if (drifting) {
    out.kind = "drifting";
    out.severity = Severity::kWarning;
  } else if (state.health.state == State::kWarning) {
    out.kind = "warning";
    out.severity = Severity::kWarning;
  } else {
    return std::nullopt;
  }
  out.reason = ExplainState(state.health);
  out.argv = Improve(state);
  return out;
}

std::optional<Attention> WhatWaits(const SkillState& state) {
  if (state.open_proposals == 0) return std::nullopt;
  return Attention{
      .skill_id = state.totals.id,
      .skill = state.totals.name,
      .kind = "proposal",
      .severity = Severity::kInfo,
      .reason = fmt::format("{} {} for a review", Plural(state.open_proposals, "proposal"),
                            state.open_proposals == 1 ? "waits" : "wait"),
      .argv = base::WithFlag({"selftune", "proposals", "list"}, "--skill", state.totals.name),
      .at = std::nullopt};
}

// "pdf, sql-helper and 2 more"
std::string Names(std::span<const Attention> attention, Severity severity) {
  std::vector<std::string_view> names;
  for (const Attention& item : attention) {
    if (item.severity == severity) names.push_back(item.skill);
  }
  std::string out;
  for (size_t i = 0; i < names.size() && i < kNamed; ++i) {
    out += fmt::format("{}{}", i == 0 ? "" : ", ", names[i]);
  }
  return names.size() > kNamed ? fmt::format("{} and {} more", out, names.size() - kNamed) : out;
}

int64_t Count(std::span<const Attention> attention, Severity severity) {
  return std::count_if(attention.begin(), attention.end(),
                       [&](const Attention& item) { return item.severity == severity; });
}

}  // namespace

std::string_view Word(Severity severity) {
  switch (severity) {
    case Severity::kCritical:
      return "critical";
    case Severity::kWarning:
      return "warning";
    case Severity::kInfo:
      return "info";
  }
  return "info";
}

std::vector<Attention> FindAttention(std::span<const SkillState> skills) {
  std::array<std::vector<Attention>, 3> by_severity;
  const auto add = [&](std::optional<Attention> item) {
    if (!item.has_value()) return;
    by_severity[static_cast<size_t>(item->severity)].push_back(*std::move(item));
  };
  for (const SkillState& state : skills) {
    add(HowItDoes(state));
    add(WhatWaits(state));
  }
  std::vector<Attention> out;
  for (std::vector<Attention>& items : by_severity) {
    std::move(items.begin(), items.end(), std::back_inserter(out));
  }
  return out;
}

SkillCounts CountSkills(std::span<const SkillState> skills) {
  SkillCounts out{.total = static_cast<int64_t>(skills.size())};
  for (const SkillState& skill : skills) {
    out.installed += skill.installed() ? 1 : 0;
    out.used += skill.window.triggered > 0 ? 1 : 0;
    out.uses += skill.window.triggered;
    out.judged += skill.health.good + skill.health.bad > 0 ? 1 : 0;
    out.attention += HowItDoes(skill).has_value() ? 1 : 0;
  }
  return out;
}

Verdict Judge(const VerdictInput& input) {
  const int64_t critical = Count(input.attention, Severity::kCritical);
  const int64_t warning = Count(input.attention, Severity::kWarning);
  const int64_t info = Count(input.attention, Severity::kInfo);
  if (critical > 0) {
    return {"critical", fmt::format("{} {} help now: {}.", Plural(critical, "skill"),
                                    critical == 1 ? "needs" : "need",
                                    Names(input.attention, Severity::kCritical))};
  }
  if (input.sessions == 0) return {"empty", "No session was read yet."};
  if (input.failed_checks > 0) {
    return {"attention",
            fmt::format("{} of the installation {}.", Plural(input.failed_checks, "check"),
                        input.failed_checks == 1 ? "fails" : "fail")};
  }
  if (warning > 0) {
    return {"attention", fmt::format("{} could do better: {}.", Plural(warning, "skill"),
                                     Names(input.attention, Severity::kWarning))};
  }
  if (info > 0) {
    return {"attention", fmt::format("Proposals for {} wait for your review.",
                                     Names(input.attention, Severity::kInfo))};
  }
  if (input.stale) return {"attention", "The evidence is older than a day."};
  const SkillCounts& skills = input.skills;
  const std::string uses = Plural(skills.uses, "use") + " in 30 days";
  if (skills.judged == 0) {
    return {"unknown",
            fmt::format("Nothing is known to be wrong: none of {} was judged yet, {}.",
                        Plural(skills.total, "skill"), uses),
            kHowToJudge};
  }
  return {"ok", fmt::format("Nothing is wrong: {} of {} judged, {}.", skills.judged,
                            Plural(skills.total, "skill"), uses)};
}

}  // namespace selftune::status
