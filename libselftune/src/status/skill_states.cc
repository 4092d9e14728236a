#include "status/skill_states.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "base/strings.h"
#include "base/time.h"
#include "skillfs/packages.h"
#include "stats/wilson.h"
#include "status/complaints.h"
#include "status/skill_policy.h"
#include "store/queries/health.h"

namespace selftune::status {
namespace {

using config::SkillAutonomy;
using monitoring::State;

constexpr int64_t kHealthDays = 60;  // 30 and the 30 before, for the trend
constexpr int64_t kRecentDays = 30;
constexpr int64_t kMaxWindow = 100'000;

using States = std::map<int64_t, SkillState>;

SkillState* Find(States& states, store::SkillId id) {
  const auto it = states.find(id.value);
  return it == states.end() ? nullptr : &it->second;
}

Status AddFacts(store::Db& db, const StateRequest& request, States& states) {
  ST_ASSIGN_OR_RETURN(std::vector<store::SkillTotals> totals, store::ReadSkillTotals(db));
  for (store::SkillTotals& row : totals) {
    if (request.skill && row.id != request.skill) continue;
    const int64_t id = row.id.value;
    states[id].totals = std::move(row);
  }
  ST_ASSIGN_OR_RETURN(std::vector<store::SkillPlace> places, store::ReadSkillPlaces(db));
  for (store::SkillPlace& place : places) {
    if (SkillState* state = Find(states, place.id)) state->places.push_back(std::move(place));
  }
  ST_ASSIGN_OR_RETURN(const auto platforms, store::ReadSkillPlatforms(db));
  for (const auto& [id, platform] : platforms) {
    if (SkillState* state = Find(states, id)) state->platforms.push_back(platform);
  }
  ST_ASSIGN_OR_RETURN(const auto windows, store::ReadSkillWindows(db, request.window));
  for (const store::SkillWindow& window : windows) {
    if (SkillState* state = Find(states, window.id)) state->window = window;
  }
  return absl::OkStatus();
}

Status AddLoop(store::Db& db, const StateRequest& request, States& states) {
  ST_ASSIGN_OR_RETURN(const auto deploys, store::ReadStandingDeploys(db));
  for (const store::StandingDeploy& deploy : deploys) {
    if (SkillState* state = Find(states, deploy.id)) state->deploy = deploy;
  }
  ST_ASSIGN_OR_RETURN(const auto proposals, store::ReadOpenProposals(db));
  for (const auto& [id, count] : proposals) {
    if (SkillState* state = Find(states, id)) state->open_proposals = count;
  }
  ST_ASSIGN_OR_RETURN(const auto watches, store::ReadSkillWatches(db));
  for (const store::SkillWatch& watch : watches) {
    if (SkillState* state = Find(states, watch.id)) state->watch = watch;
  }
  const UtcMillis since{request.now.value - kRecentDays * kDayMs};
  ST_ASSIGN_OR_RETURN(const std::vector<Complaints> complaints,
                      ReadComplaints(db, since, request.off));
  for (const Complaints& said : complaints) {
    SkillState* const state = Find(states, said.id);
    if (state == nullptr) continue;
    state->corrections = said.corrections;
    state->requests = said.requests;
    state->manual = said.manual;
    state->unwanted = said.unwanted;
    state->complaints_while_off = said.while_off;
  }
  return absl::OkStatus();
}

Status AddTriggers(store::Db& db, const StateRequest& request, States& states) {
  ST_ASSIGN_OR_RETURN(
      const std::vector<store::JudgedPrompt> prompts,
      store::ReadJudgedPrompts(
          db, {.window = request.window, .skill = request.skill, .platform = request.platform}));
  // They come by skill: each run is one skill's.
  for (size_t begin = 0; begin < prompts.size();) {
    size_t end = begin;
    while (end < prompts.size() && prompts[end].skill == prompts[begin].skill) ++end;
    if (SkillState* state = Find(states, prompts[begin].skill)) {
      state->trigger = CountTriggers(std::span(prompts).subspan(begin, end - begin));
    }
    begin = end;
  }
  return absl::OkStatus();
}

Status AddHealth(store::Db& db, const StateRequest& request, States& states) {
  const store::TimeWindow window{.from = UtcMillis{request.now.value - kHealthDays * kDayMs}};
  ST_ASSIGN_OR_RETURN(
      std::vector<store::JudgedSession> sessions,
      store::ReadJudgedSessions(
          db, {.window = window, .skill = request.skill, .platform = request.platform}));
  std::map<int64_t, monitoring::HealthInput> inputs;
  for (store::JudgedSession& judged : sessions) {
    inputs[judged.skill.value].sessions.push_back(std::move(judged.session));
  }
  const UtcMillis recent_from{request.now.value - kRecentDays * kDayMs};
  ST_ASSIGN_OR_RETURN(const auto misses, store::ReadMissesBefore(db, recent_from));
  for (const auto& [id, count] : misses) {
    if (SkillState* state = Find(states, id)) state->missed_before = count;
  }
  for (auto& [id, state] : states) {
    monitoring::HealthInput& input = inputs[id];
    if (state.watch.has_value()) {
      input.watch_state = state.watch->state;
      input.drifting = state.watch->drifting;
    }
    input.ever_seen = state.seen();
    for (const store::SkillSession& session : input.sessions) {
      const bool recent = session.started.value >= recent_from.value;
      state.missed_sessions += recent && session.missed ? 1 : 0;
    }
    state.health = monitoring::Classify(input, request.now);
  }
  return absl::OkStatus();
}

bool IsManaged(const StateRequest& request, const SkillState& state) {
  return state.installed() &&
         std::all_of(state.places.begin(), state.places.end(), [&](const auto& place) {
           const bool in_package =
               request.off != nullptr && request.off->InPackage(place.real_path);
           return skillfs::IsManaged(place.scope, place.real_path, in_package);
         });
}

void AddSwitches(const StateRequest& request, SkillState& state) {
  if (request.off == nullptr) return;
  OffVerdict verdict =
      request.off->Of(state.totals.name, state.places,
                      request.settings_of.empty() ? request.platform : request.settings_of);
  state.switched_off = std::move(verdict.off);
  state.settings_unknown = std::move(verdict.unknown);
  state.switched_on = std::move(verdict.on);
  state.disabled = verdict.everywhere;
  state.maybe_disabled = verdict.nobody_knows;
}

void AddPolicy(const config::Config& config, const StateRequest& request, SkillState& state) {
  state.managed = IsManaged(request, state);
  const SkillPolicy policy = DecideSkillPolicy(FactsOf(state), config);
  state.autonomy = policy.autonomy;
  state.autonomy_source = policy.source;
  state.explicit_only =
      state.installed() && std::all_of(state.places.begin(), state.places.end(), [](const auto& p) {
        return p.implicit_allowed.has_value() && !*p.implicit_allowed;
      });
  if (state.watch.has_value() && state.watch->state == "regressed")
    state.flags.push_back("regressed");
  if (state.watch.has_value() && state.watch->drifting) state.flags.push_back("drifting");
  if (state.disabled) {
    state.flags.push_back("disabled");
  } else if (state.maybe_disabled) {
    state.flags.push_back("settings_unknown");
  } else if (state.silent()) {
    state.flags.push_back("silent");
  }
  if (state.autonomy == SkillAutonomy::kLocked) state.flags.push_back("locked");
  if (state.totals.frozen_until.has_value() && *state.totals.frozen_until > request.now) {
    state.flags.push_back("frozen");
  }
}

int Rank(State state) {
  switch (state) {
    case State::kCritical:
      return 0;
    case State::kWarning:
      return 1;
    case State::kUncertain:
      return 2;
    case State::kHealthy:
      return 3;
    case State::kUngraded:
      return 4;
    case State::kUnknown:
      return 5;
  }
  return 5;
}

}  // namespace

bool SkillState::seen() const {
  return (totals.checks > 0 && (installed() || totals.met)) || trigger.expected > 0 ||
         trigger.by_hand > 0 || trigger.unwanted > 0 ||
         corrections + requests + manual + unwanted + complaints_while_off > 0;
}

StatusOr<std::vector<SkillState>> ReadSkillStates(store::Db& db, const config::Config& config,
                                                  const StateRequest& request) {
  States states;
  ST_RETURN_IF_ERROR(AddFacts(db, request, states));
  ST_RETURN_IF_ERROR(AddLoop(db, request, states));
  ST_RETURN_IF_ERROR(AddTriggers(db, request, states));
  ST_RETURN_IF_ERROR(AddHealth(db, request, states));
  std::vector<SkillState> out;
  out.reserve(states.size());
  for (auto& [id, state] : states) {
    // Names that a host only listed are no skills of the person, and names that were
    // only asked for in vain are no skills at all.
    if (!state.installed() && !state.seen()) continue;
    AddSwitches(request, state);
    AddPolicy(config, request, state);
    out.push_back(std::move(state));
  }
  std::stable_sort(out.begin(), out.end(), [](const SkillState& a, const SkillState& b) {
    const int ra = Rank(a.health.state), rb = Rank(b.health.state);
    if (ra != rb) return ra < rb;
    if (a.window.triggered != b.window.triggered) return a.window.triggered > b.window.triggered;
    return a.totals.name < b.totals.name;
  });
  return out;
}

// The rule behind the state weighs newer sessions more and has an interval of its own;
// what is shown has the one interval that these counts have everywhere (eval 17.1).
std::string ExplainState(const monitoring::Health& health) {
  const int64_t n = health.good + health.bad;
  const std::string_view code = health.state_reason;
  if (code == "no_evidence") return "nothing was recorded about it";
  if (code == "watch_regressed") return "the watch of its last deploy found a regression";
  if (code == "too_few_labels") {
    return n == 0 ? "nobody said yet whether its uses were right"
                  : fmt::format("only {} judged sessions in 30 days", n);
  }
  if (code == "drifting") return "slowly getting worse since it was confirmed";
  const stats::Interval interval =
      stats::Wilson(static_cast<double>(health.good), static_cast<double>(n));
  return fmt::format("{} good of {} judged sessions in 30 days, 95 % interval {:.0f} to {:.0f} %",
                     health.good, n, interval.lo * 100, interval.hi * 100);
}

StatusOr<store::TimeWindow> ParseWindow(store::Db& db, std::string_view text, UtcMillis now) {
  const char unit = text.empty() ? '\0' : text.back();
  const auto count = text.empty() ? std::nullopt : base::ParseInt(text.substr(0, text.size() - 1));
  if (!count.has_value() || *count < 1 || *count > kMaxWindow || (unit != 'd' && unit != 's')) {
    return Fail(kInvalidRequest, "window \"{}\": expected days (30d) or sessions (20s)",
                text.substr(0, 32));
  }
  if (unit == 'd') return store::TimeWindow{.from = UtcMillis{now.value - *count * kDayMs}};
  ST_ASSIGN_OR_RETURN(const auto start, store::NthNewestSession(db, *count));
  return store::TimeWindow{.from = start};
}

}  // namespace selftune::status
