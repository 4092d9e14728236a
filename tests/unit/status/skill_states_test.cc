#include "status/skill_states.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>

#include "unit/status/status_fixture.h"

namespace selftune::status {
namespace {

using testing::DaysAgo;
using testing::kNow;
using testing::Must;
using testing::World;

std::vector<SkillState> States(World& world, int64_t days = 30) {
  const config::Config config;
  return Must(ReadSkillStates(
      world.db(), config, {.now = kNow, .window = {.from = DaysAgo(static_cast<double>(days))}}));
}

const SkillState& Of(const std::vector<SkillState>& states, std::string_view name) {
  const auto it = std::find_if(states.begin(), states.end(),
                               [&](const SkillState& s) { return s.totals.name == name; });
  REQUIRE(it != states.end());
  return *it;
}

bool Has(const SkillState& state, std::string_view flag) {
  return std::find(state.flags.begin(), state.flags.end(), flag) != state.flags.end();
}

}  // namespace

TEST_SUITE("status/skill_states") {
  TEST_CASE("a skill that was never used is there, silent and unknown") {
    World world;
    world.Install("pdf", "/home/dev/.claude/skills/pdf/SKILL.md", "Make PDFs.");
    const auto states = States(world);
    REQUIRE(states.size() == 1);
    CHECK(states[0].health.state == monitoring::State::kUnknown);
    CHECK(Has(states[0], "silent"));
    CHECK_FALSE(states[0].seen());
    CHECK_FALSE(states[0].trigger.recall().has_value());
  }

  TEST_CASE("names that a host only listed are no skills of the person") {
    World world;
    const auto session = world.Session("s1", DaysAgo(1));
    world.Listing(session, std::nullopt, ExposureCause::kListing, {{.name = "builtin"}});
    CHECK(States(world).empty());
  }

  TEST_CASE("a name that was only asked for in vain is no skill") {
    struct Case {
      const char* name;
      Outcome outcome;
      bool listed, installed, is_skill;
    };
    const Case cases[] = {
        {"refused, known to nobody", Outcome::kRefused, false, false, false},
        {"typed, loaded by nothing", Outcome::kRequested, false, false, false},
        {"refused, and the host offers it", Outcome::kRefused, true, false, true},
        {"refused, and its file is there", Outcome::kRefused, false, true, true},
        {"read while it was written", Outcome::kReadOnly, false, false, true},
        {"loaded, its file is gone", Outcome::kTriggered, false, false, true},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      World world;
      const auto session = world.Session("s1", DaysAgo(1));
      (void)world.Prompt(session, 0, "use pdf", DaysAgo(1));
      if (c.listed)
        world.Listing(session, std::nullopt, ExposureCause::kListing, {{.name = "pdf"}});
      if (c.installed) world.Install("pdf", "/home/dev/.claude/skills/pdf/SKILL.md", "Make PDFs.");
      world.Use(session, 0, "pdf", DaysAgo(1), RequestedBy::kModel, c.outcome);
      const auto states = States(world);
      CHECK(states.size() == (c.is_skill ? 1 : 0));
      for (const SkillState& state : states) CHECK(state.seen());
    }
  }

  TEST_CASE("silence is no success: uses without a judgement leave it ungraded") {
    World world;
    for (int i = 0; i < 10; ++i) {
      const auto session = world.Session("s" + std::to_string(i), DaysAgo(1 + i));
      (void)world.Prompt(session, 0, "do it", DaysAgo(1 + i));
      world.Use(session, 0, "pdf", DaysAgo(1 + i));
    }
    const auto states = States(world);
    CHECK(Of(states, "pdf").health.state == monitoring::State::kUngraded);
    CHECK(Of(states, "pdf").window.triggered == 10);
    CHECK(Of(states, "pdf").health.good + Of(states, "pdf").health.bad == 0);
  }

  TEST_CASE("wanted uses make it healthy, misses make it critical; worst comes first") {
    World world;
    for (int i = 0; i < 12; ++i) {
      const auto at = DaysAgo(0.5 + i * 0.3);
      const auto session = world.Session("s" + std::to_string(i), at);
      const auto prompt = world.Prompt(session, 0, "do it", at);
      world.Use(session, 0, "good", at);
      world.Label(prompt, "good", Label::kShould);
      world.Label(prompt, "bad", Label::kShould);
      world.Missed(prompt, "bad", MissCause::kDescription);
    }
    const auto states = States(world);
    REQUIRE(states.size() == 2);
    CHECK(states[0].totals.name == "bad");
    CHECK(states[0].health.state == monitoring::State::kCritical);
    CHECK(states[0].trigger.missed == 12);
    CHECK(states[0].trigger.curable == 12);
    CHECK(states[0].missed_sessions == 12);
    CHECK(states[1].health.state == monitoring::State::kHealthy);
    CHECK(states[1].trigger.hit == 12);
    CHECK(states[1].health.good == 12);
  }

  TEST_CASE("what lies outside the window does not count in it") {
    World world;
    const auto old = world.Session("old", DaysAgo(100));
    const auto prompt = world.Prompt(old, 0, "do it", DaysAgo(100));
    world.Use(old, 0, "pdf", DaysAgo(100));
    world.Label(prompt, "pdf", Label::kShould);
    const SkillState recent = Of(States(world), "pdf");
    CHECK(recent.window.triggered == 0);
    CHECK(recent.trigger.expected == 0);
    CHECK(recent.totals.triggered == 1);
    CHECK(Of(States(world, 365), "pdf").trigger.hit == 1);
  }

  TEST_CASE("the sentence behind a state has the interval that its counts have everywhere") {
    struct Case {
      const char* code;
      int64_t good, bad;
      const char* sentence;
    };
    const Case cases[] = {
        // Wilson, 95 %: 0.101 to 0.434 and 0.481 to 0.855.
        {"upper_below_half", 5, 17,
         "5 good of 22 judged sessions in 30 days, 95 % interval 10 to 43 %"},
        {"interval_too_wide", 14, 6,
         "14 good of 20 judged sessions in 30 days, 95 % interval 48 to 85 %"},
        {"too_few_labels", 1, 2, "only 3 judged sessions in 30 days"},
        {"too_few_labels", 0, 0, "nobody said yet whether its uses were right"},
        {"watch_regressed", 5, 17, "the watch of its last deploy found a regression"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.code);
      monitoring::Health health;
      health.state_reason = c.code;
      health.good = c.good;
      health.bad = c.bad;
      health.interval = {.lo = 0.17, .hi = 0.42};  // weighted: decides, is not shown
      CHECK(ExplainState(health) == c.sentence);
    }
  }

  TEST_CASE("judged sessions agree with what the watch reads") {
    World world;
    for (int i = 0; i < 8; ++i) {
      const auto at = DaysAgo(1 + i);
      const auto session = world.Session("s" + std::to_string(i), at);
      const auto prompt = world.Prompt(session, 0, "do it", at);
      if (i % 2 == 0)
        world.Use(session, 0, "pdf", at, i % 4 == 0 ? RequestedBy::kUser : RequestedBy::kModel);
      if (i == 2) world.Label(prompt, "pdf", Label::kShould);
      if (i == 6) world.Label(prompt, "pdf", Label::kShouldNot);
      if (i == 3) world.Missed(prompt, "pdf", MissCause::kCompacted);
      if (i == 5) world.Missed(prompt, "pdf", MissCause::kDescription);
    }
    const auto slow =
        Must(store::ReadSkillSessions(world.db(), "pdf", DaysAgo(60), {INT64_MAX}, 100));
    const auto fast =
        Must(store::ReadJudgedSessions(world.db(), {.window = {.from = DaysAgo(60)}}));
    const auto a =
        monitoring::Classify({.sessions = slow, .watch_state = "", .ever_seen = true}, kNow);
    std::vector<store::SkillSession> sessions;
    for (const auto& judged : fast) sessions.push_back(judged.session);
    const auto b =
        monitoring::Classify({.sessions = sessions, .watch_state = "", .ever_seen = true}, kNow);
    CHECK(a.good == b.good);
    CHECK(a.bad == b.bad);
    CHECK(a.effective_n == b.effective_n);
    CHECK(b.good == 1);
    CHECK(b.bad == 2);  // one not wanted, one missed; two by hand say nothing
  }

  TEST_CASE("a label counts for the model only where the model was asked and could see") {
    World world;
    const auto judge = [&](std::string_view skill, auto&& fill) {
      const auto session = world.Session("s-" + std::string(skill), DaysAgo(1));
      const auto prompt = world.Prompt(session, 0, "do it", DaysAgo(1));
      fill(session, prompt);
    };
    judge("missed", [&](auto, auto prompt) { world.Label(prompt, "missed", Label::kShould); });
    judge("hidden", [&](auto, auto prompt) {
      world.Label(prompt, "hidden", Label::kShould);
      world.Missed(prompt, "hidden", MissCause::kTruncated);
    });
    judge("by-hand", [&](auto session, auto prompt) {
      world.Use(session, 0, "by-hand", DaysAgo(1), RequestedBy::kUser);
      world.Label(prompt, "by-hand", Label::kShouldNot);
    });
    judge("came", [&](auto session, auto prompt) {
      world.Use(session, 0, "came", DaysAgo(1));
      world.Label(prompt, "came", Label::kShould);
    });
    const auto states = States(world);
    for (const auto& [name, good, bad] : {std::tuple("missed", 0, 1), std::tuple("hidden", 0, 0),
                                          std::tuple("by-hand", 0, 0), std::tuple("came", 1, 0)}) {
      CAPTURE(name);
      CHECK(Of(states, name).health.good == good);
      CHECK(Of(states, name).health.bad == bad);
      const auto sessions =
          Must(store::ReadSkillSessions(world.db(), name, DaysAgo(60), {INT64_MAX}, 100));
      const auto health =
          monitoring::Classify({.sessions = sessions, .watch_state = "", .ever_seen = true}, kNow);
      CHECK(health.good == good);
      CHECK(health.bad == bad);
    }
  }

  TEST_CASE("windows: days, sessions, and what is neither") {
    World world;
    for (int i = 0; i < 5; ++i) (void)world.Session("s" + std::to_string(i), DaysAgo(i + 1));
    CHECK(Must(ParseWindow(world.db(), "7d", kNow)).from == DaysAgo(7));
    CHECK(Must(ParseWindow(world.db(), "2s", kNow)).from == DaysAgo(2));
    CHECK_FALSE(Must(ParseWindow(world.db(), "50s", kNow)).from.has_value());
    for (const char* bad : {"", "d", "30", "0d", "-1d", "1h", "x2d", "9999999d"}) {
      CAPTURE(bad);
      CHECK_FALSE(ParseWindow(world.db(), bad, kNow).ok());
    }
  }

  TEST_CASE("locked, managed and explicit skills say so") {
    World world;
    world.Install("acme:lint", "/home/dev/.claude/plugins/cache/m/acme/1/skills/lint/SKILL.md",
                  "Lint.");
    world.Install("quiet", "/home/dev/.claude/skills/quiet/SKILL.md", "Quiet.", false);
    const auto config = Must(config::Parse(R"({"skills":{"quiet":{"autonomy":"locked"}}})", "/c"));
    const auto states = Must(ReadSkillStates(world.db(), config, {.now = kNow}));
    CHECK(Of(states, "acme:lint").managed);
    CHECK(Of(states, "quiet").explicit_only);
    CHECK(Has(Of(states, "quiet"), "locked"));
    CHECK_FALSE(Has(Of(states, "acme:lint"), "locked"));
  }
}

}  // namespace selftune::status
