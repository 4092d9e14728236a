#include "orchestrate/facts.h"

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "status/skill_states.h"
#include "unit/status/status_fixture.h"

namespace selftune::orchestrate {
namespace {

using status::testing::DaysAgo;
using status::testing::kNow;
using status::testing::Must;
using status::testing::World;

const CandidateFacts& Of(const std::vector<CandidateFacts>& facts, std::string_view skill) {
  for (const CandidateFacts& entry : facts) {
    if (entry.skill == skill) return entry;
  }
  FAIL("no facts about " << skill);
  return facts.front();
}

// As found on the disk.
skillfs::Discovery Installed(const std::vector<std::string>& names) {
  skillfs::Discovery out;
  for (const std::string& name : names) {
    skillfs::InstalledSkill& skill = out.skills.emplace_back();
    skill.name = name;
    skill.real_path = "/home/dev/.claude/skills/" + name + "/SKILL.md";
    skill.placements.push_back(
        {.path = skill.real_path, .platform = "claude_code", .scope = "global", .name = name});
  }
  return out;
}

}  // namespace

TEST_SUITE("orchestrate/facts") {
  TEST_CASE("the loop sees what the status sees") {
    World world;
    for (int i = 0; i < 30; ++i) {
      const double age = 0.5 + i * 1.9;
      const auto session = world.Session("s" + std::to_string(i), DaysAgo(age));
      const auto prompt = world.Prompt(session, 0, "do it", DaysAgo(age));
      const bool by_person = i % 5 == 0;
      world.Use(session, 0, "PDF", DaysAgo(age),
                by_person ? RequestedBy::kUser : RequestedBy::kModel);
      if (i % 3 == 0) world.Label(prompt, "PDF", Label::kShould);
      if (i % 7 == 0) world.Label(prompt, "PDF", Label::kShouldNot, MissReason::kGrader);
      if (i % 2 == 0) world.Missed(prompt, "lint", MissCause::kDescription);
      if (i % 4 == 1) world.Missed(prompt, "lint", MissCause::kNotListed);
    }
    const config::Config config;
    const auto facts =
        Must(GatherFacts(world.db(), Installed({"pdf", "lint", "idle"}), config, kNow));
    const auto states = Must(status::ReadSkillStates(
        world.db(), config, {.now = kNow, .window = {.from = DaysAgo(30)}}));
    REQUIRE(facts.size() == 3);
    int compared = 0;
    for (const status::SkillState& state : states) {
      CAPTURE(state.totals.name);
      const CandidateFacts& own = Of(facts, state.totals.name == "PDF" ? "pdf" : "lint");
      CHECK(own.state == state.health.state);
      CHECK(own.trend == state.health.trend);
      CHECK(own.labelled == state.health.good + state.health.bad);
      CHECK(own.missed == state.missed_sessions);
      ++compared;
    }
    CHECK(compared == 2);
    CHECK(Of(facts, "lint").state == monitoring::State::kCritical);
    CHECK(Of(facts, "lint").missed == 8);  // of 15 in 30 days, those a description can cure
    CHECK(Of(facts, "idle").state == monitoring::State::kUnknown);
  }

  TEST_CASE("misses before the window are counted apart, to the millisecond") {
    World world;
    const auto miss = [&](const char* id, std::string_view skill, double age, MissCause cause) {
      const auto session = world.Session(id, DaysAgo(age));
      world.Missed(world.Prompt(session, 0, "do it", DaysAgo(age)), skill, cause);
    };
    miss("s1", "pdf", 30.0001, MissCause::kDescription);
    miss("s2", "pdf", 260, MissCause::kNotListed);
    miss("s3", "lint", 29.9999, MissCause::kDescription);
    const config::Config config;
    const auto facts = Must(GatherFacts(world.db(), Installed({"pdf", "lint"}), config, kNow));
    CHECK(Of(facts, "pdf").missed == 0);
    CHECK(Of(facts, "pdf").missed_before == 2);
    CHECK(Of(facts, "lint").missed == 1);
    CHECK(Of(facts, "lint").missed_before == 0);
    for (const status::SkillState& state : Must(status::ReadSkillStates(
             world.db(), config, {.now = kNow, .window = {.from = DaysAgo(30)}}))) {
      CAPTURE(state.totals.name);
      CHECK(state.missed_before == Of(facts, state.totals.name).missed_before);
    }
  }

  TEST_CASE("no description answers for what was said where settings keep the skill away") {
    struct Case {
      const char* name;
      const char* settings;  // below the home folder
      const char* text;
      int64_t corrections, requests, manual, unwanted;
      bool disabled, unknown = false;
    };
    constexpr const char* kOff = R"({"skillOverrides":{"pdf":"off"}})";
    // A session in `here` and one in `there`, in each of which everything is said.
    const Case cases[] = {
        {"nowhere", ".claude/settings.json", "{}", 2, 2, 2, 2, false},
        {"everywhere", ".claude/settings.json", kOff, 0, 0, 0, 2, true},
        {"in one project", "here/.claude/settings.json", kOff, 1, 1, 1, 2, false},
        {"nobody knows where", ".claude/settings.json", "{", 2, 2, 2, 2, false, true},
        {"at a host that sees it not", ".codex/config.toml",
         "[[skills.config]]\nname = \"pdf\"\nenabled = false\n", 2, 2, 2, 2, false},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      World world;
      const auto& home = world.store().dir();
      base::Environment env;
      env.Set("HOME", home.path());
      home.Write(c.settings, c.text);
      world.Install("pdf", home / ".claude/skills/pdf/SKILL.md", "Make PDFs.");
      for (const char* project : {"here", "there"}) {
        home.Write(std::string(project) + "/readme", "");
        world.Write([&](store::IngestWriter& writer) {
          const auto session = Must(writer.UpdateSession({.platform = "claude_code",
                                                          .id = project,
                                                          .cwd = home / project,
                                                          .started = DaysAgo(2)}));
          const auto prompt = Must(
              writer.UpsertPrompt(session, {.seq = 0, .text = "why not pdf?", .at = DaysAgo(2)}));
          for (const SignalKind kind : {SignalKind::kCorrection, SignalKind::kExplicitRequest,
                                        SignalKind::kManualInvocation, SignalKind::kUnwanted}) {
            Must(writer.AddSignal({.prompt = prompt,
                                   .kind = kind,
                                   .mention = "pdf",
                                   .skill = "pdf",
                                   .at = DaysAgo(2)}));
          }
        });
      }
      const config::Config config;
      const auto off = Must(status::OffSwitches::Read(world.db(), env));
      const auto facts = Must(GatherFacts(world.db(), Installed({"pdf"}), config, kNow, {}, &off));
      const CandidateFacts& own = Of(facts, "pdf");
      CHECK(own.corrections == c.corrections);
      CHECK(own.requests == c.requests);
      CHECK(own.manual == c.manual);
      CHECK(own.unwanted == c.unwanted);
      CHECK(own.disabled == c.disabled);
      CHECK(own.unknown_settings == (c.unknown ? home / c.settings : ""));
      const auto states = Must(status::ReadSkillStates(
          world.db(), config, {.now = kNow, .window = {.from = DaysAgo(30)}, .off = &off}));
      REQUIRE(states.size() == 1);
      CHECK(states[0].corrections == c.corrections);
      CHECK(states[0].requests == c.requests);
      CHECK(states[0].manual == c.manual);
      CHECK(states[0].unwanted == c.unwanted);
      CHECK(states[0].disabled == c.disabled);
      CHECK(states[0].maybe_disabled == c.unknown);
      CHECK(states[0].complaints_while_off == 6 - c.corrections - c.requests - c.manual);
      CHECK(states[0].seen());  // it was spoken of, wherever that was
    }
  }

  TEST_CASE("starts by hand neither accuse nor praise a skill") {
    World world;
    for (int i = 0; i < 12; ++i) {
      const auto session = world.Session("s" + std::to_string(i), DaysAgo(1 + i));
      (void)world.Prompt(session, 0, "/pdf", DaysAgo(1 + i));
      world.Use(session, 0, "pdf", DaysAgo(1 + i), RequestedBy::kUser);
    }
    const config::Config config;
    const auto facts = Must(GatherFacts(world.db(), Installed({"pdf"}), config, kNow));
    CHECK(Of(facts, "pdf").state == monitoring::State::kUngraded);
    CHECK(Of(facts, "pdf").labelled == 0);
    CHECK(Of(facts, "pdf").missed == 0);
  }
}

}  // namespace selftune::orchestrate
