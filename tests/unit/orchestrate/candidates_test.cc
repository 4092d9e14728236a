#include "orchestrate/candidates.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace selftune::orchestrate {
namespace {

using monitoring::State;
using monitoring::Trend;

constexpr UtcMillis kNow{1'000'000'000};

const Decision& Of(const std::vector<Decision>& decisions, std::string_view skill) {
  for (const Decision& decision : decisions) {
    if (decision.skill == skill) return decision;
  }
  FAIL("no decision about ", std::string(skill));
  return decisions.front();
}

SelectOptions Options() { return {.max_skills = 5, .now = kNow}; }

}  // namespace

TEST_SUITE("orchestrate/candidates") {
  TEST_CASE("how much of a set another one has") {
    CHECK(Overlap({"a", "b", "c"}, {"b"}) == 1);
    CHECK(Overlap({"a", "b", "c", "d"}, {"d", "e", "f", "g"}) == 0.25);
    CHECK(Overlap({}, {"a"}) == 0);
  }

  TEST_CASE("complaints outweigh a worse rate, up to a limit") {
    CandidateFacts signalled{.skill = "a",
                             .state = State::kWarning,
                             .trend = Trend::kDown,
                             .missed = 12,
                             .good_rate = 0.55};
    signalled.corrections = 1;
    const CandidateFacts critical{
        .skill = "b", .state = State::kCritical, .missed = 80, .good_rate = 0.2};
    CHECK(Priority(signalled) == 200 + 12 + 45 + 30 + 150);
    CHECK(Priority(critical) == 300 + 50 + 80);
    signalled.corrections = 4;
    CHECK(Priority(signalled) == 200 + 12 + 45 + 30 + 450);
    const auto order = SelectCandidates({critical, signalled}, Options());
    CHECK(order[0].skill == "a");
  }

  TEST_CASE("the first reason that says no is given") {
    struct Case {
      const char* code;
      CandidateFacts facts;
    };
    CandidateFacts needy{.skill = "x", .state = State::kUngraded, .missed = 3};
    CandidateFacts missing = needy, managed = needy, locked = needy, frozen = needy,
                   cooling = needy, by_command = needy, held = needy, off = needy, unsure = needy;
    unsure.unknown_settings = "/home/dev/.gemini/settings.json";
    by_command.explicit_only = true;
    off.disabled = true;
    missing.installed = false;
    managed.managed = true;
    held.held = true;
    locked.locked = true;
    frozen.frozen_until = UtcMillis{kNow.value + 1};
    cooling.cooldown_until = UtcMillis{kNow.value + 1};
    const Case cases[] = {
        {"selected", needy},
        {"skill_missing", missing},
        {"plugin_managed", managed},
        {"held_by_host", held},
        {"locked", locked},
        {"explicit_only", by_command},
        {"disabled", off},
        {"settings_unknown", unsure},
        {"frozen", frozen},
        {"cooldown", cooling},
        {"healthy", {.skill = "x", .state = State::kHealthy}},
        {"no_signal", {.skill = "x", .state = State::kUnknown}},
        {"insufficient_evidence", {.skill = "x", .state = State::kUngraded, .labelled = 2}},
        {"weak_signal", {.skill = "x", .state = State::kWarning, .labelled = 9}},
        {"selected", {.skill = "x", .state = State::kCritical, .labelled = 9}},
    };
    for (const Case& c : cases) {
      CAPTURE(c.code);
      CHECK(SelectCandidates({c.facts}, Options())[0].reason_code == c.code);
    }
  }

  TEST_CASE("a reason names the days it looked at, and what lies before them") {
    struct Case {
      const char* name;
      CandidateFacts facts;
      const char* reason;
    };
    const Case cases[] = {
        {"nothing was ever missed",
         {.skill = "pdf", .state = State::kUngraded},
         "nothing asks for another description; last 30 days: state=UNGRADED, missed=0, "
         "labelled=0, corrections=0, requests=0, manual=0, unwanted=0, trend=unknown"},
        {"one old miss",
         {.skill = "pdf", .state = State::kUngraded, .missed_before = 1},
         "nothing asks for another description; last 30 days: state=UNGRADED, missed=0, "
         "labelled=0, corrections=0, requests=0, manual=0, unwanted=0, trend=unknown; missed 1 "
         "time before that, see "
         "selftune evidence --outcome missed --skill pdf"},
        {"old misses of a skill with a space in its name",
         {.skill = "my pdf", .state = State::kWarning, .missed_before = 3, .labelled = 9},
         "no miss and no complaint; last 30 days: state=WARNING, missed=0, labelled=9, "
         "corrections=0, requests=0, manual=0, unwanted=0, trend=unknown; missed 3 times before "
         "that, see "
         "selftune evidence --outcome missed --skill 'my pdf'"},
        {"new misses decide, old ones are not needed",
         {.skill = "pdf", .state = State::kUngraded, .missed = 2, .missed_before = 3},
         "worth improving; last 30 days: state=UNGRADED, missed=2, labelled=0, corrections=0, "
         "requests=0, manual=0, unwanted=0, trend=unknown"},
        {"settings that nobody understands: which, and what shows what is wrong",
         {.skill = "pdf",
          .state = State::kUngraded,
          .missed = 2,
          .unknown_settings = "/home/dev/.gemini/settings.json"},
         "nobody knows whether settings switch it off: /home/dev/.gemini/settings.json is not "
         "understood; see what is wrong there with selftune doctor --only skills.parse; last 30 "
         "days: state=UNGRADED, missed=2, labelled=0, corrections=0, requests=0, manual=0, "
         "unwanted=0, trend=unknown"},
        {"signals, and no miss: what they are is said",
         {.skill = "pdf", .state = State::kHealthy, .requests = 2, .manual = 1},
         "worth a look, though it was not missed: asked for in 2 sessions, started by hand in 1 "
         "session; last 30 days: state=HEALTHY, missed=0, labelled=0, corrections=0, requests=2, "
         "manual=1, unwanted=0, trend=unknown"},
        {"neither misses nor signals",
         {.skill = "pdf", .state = State::kCritical, .labelled = 9},
         "worth a look, though it was not missed: its judged sessions go badly; last 30 days: "
         "state=CRITICAL, missed=0, labelled=9, corrections=0, requests=0, manual=0, unwanted=0, "
         "trend=unknown"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      CHECK(SelectCandidates({c.facts}, Options())[0].reason == c.reason);
    }
  }

  TEST_CASE("a cooldown ends at its very instant") {
    CandidateFacts facts{.skill = "x", .missed = 1};
    facts.cooldown_until = kNow;
    CHECK(SelectCandidates({facts}, Options())[0].reason_code == "selected");
  }

  TEST_CASE("no more skills than asked for, the rest are named as capped") {
    std::vector<CandidateFacts> facts;
    for (const char* name : {"a", "b", "c"}) facts.push_back({.skill = name, .missed = 2});
    SelectOptions options = Options();
    options.max_skills = 2;
    const auto decisions = SelectCandidates(facts, options);
    CHECK(Of(decisions, "a").reason_code == "selected");
    CHECK(Of(decisions, "b").reason_code == "selected");
    CHECK(Of(decisions, "c").reason_code == "capped");
  }

  TEST_CASE("one skill can be asked for, whatever its case") {
    SelectOptions options = Options();
    options.only_skill = "PDF";
    const auto decisions =
        SelectCandidates({{.skill = "pdf", .missed = 1}, {.skill = "x", .missed = 9}}, options);
    CHECK(Of(decisions, "pdf").reason_code == "selected");
    CHECK(Of(decisions, "x").reason_code == "filtered");
  }

  TEST_CASE("without an agent nothing is selected, and that is said") {
    SelectOptions options = Options();
    options.agent_available = false;
    CHECK(SelectCandidates({{.skill = "x", .missed = 1}}, options)[0].reason_code == "no_agent");
  }

  TEST_CASE("equal weights go by the oldest change, then by name") {
    CandidateFacts old_one{.skill = "z", .missed = 1}, young{.skill = "a", .missed = 1},
        never{.skill = "m", .missed = 1};
    old_one.last_evolved = UtcMillis{1};
    young.last_evolved = UtcMillis{2};
    const auto decisions = SelectCandidates({young, old_one, never}, Options());
    CHECK(decisions[0].skill == "m");
    CHECK(decisions[1].skill == "z");
    CHECK(decisions[2].skill == "a");
  }
}

}  // namespace selftune::orchestrate
