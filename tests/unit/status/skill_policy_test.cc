#include "status/skill_policy.h"

#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "orchestrate/policy.h"
#include "support/temp_dir.h"
#include "unit/status/status_fixture.h"

namespace selftune::status {
namespace {

using config::SkillAutonomy;
using testing::Must;
using testing::World;

config::Config Parsed(std::string_view text) {
  auto config = config::Parse(text, "config.json");
  REQUIRE(config.ok());
  return *std::move(config);
}

}  // namespace

TEST_SUITE("status/skill_policy") {
  TEST_CASE("the file, config.json, the store, version control, the default: the first decides") {
    const config::Config none;
    const config::Config said = Parsed(R"({"skills":{"PDF":{"autonomy":"auto"}}})");
    struct Case {
      bool off, in_git;
      const config::Config* config;
      const char* stored;
      SkillAutonomy autonomy;
      const char* source;
    };
    const Case cases[] = {
        {true, true, &said, "auto", SkillAutonomy::kLocked, "frontmatter"},
        {false, true, &said, "locked", SkillAutonomy::kAuto, "config"},
        {false, true, &none, "locked", SkillAutonomy::kLocked, "store"},
        {false, true, &none, "", SkillAutonomy::kPropose, "version_control"},
        {false, false, &none, "", SkillAutonomy::kAuto, "default"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.source);
      const SkillPolicy policy = DecideSkillPolicy(
          {.skill = "pdf", .off = c.off, .stored = c.stored, .in_git = c.in_git}, *c.config);
      CHECK(policy.autonomy == c.autonomy);
      CHECK(policy.source == c.source);
    }
  }

  TEST_CASE("selftune's own skill is locked unless somebody unlocks it") {
    const config::Config none;
    const config::Config unlocked = Parsed(R"({"skills":{"selftune":{"autonomy":"auto"}}})");
    const auto decide = [](std::string_view skill, const char* stored,
                           const config::Config& config) {
      return DecideSkillPolicy({.skill = skill, .stored = stored}, config).autonomy;
    };
    CHECK(decide("selftune", "", none) == SkillAutonomy::kLocked);
    CHECK(decide("Selftune", "", none) == SkillAutonomy::kLocked);
    CHECK(decide("selftune", "propose", none) == SkillAutonomy::kPropose);
    CHECK(decide("selftune", "", unlocked) == SkillAutonomy::kAuto);
    CHECK(decide("selftune-helper", "", none) == SkillAutonomy::kAuto);
    orchestrate::SkillTarget target;
    target.skill = "selftune";
    CHECK(orchestrate::AutonomyOf({.target = &target, .config = &none}) == SkillAutonomy::kLocked);
    CHECK(orchestrate::AutonomyOf({.target = &target, .config = &unlocked}) ==
          SkillAutonomy::kAuto);
  }

  TEST_CASE("what is shown is what the loop does, whatever was set where") {
    for (const bool off : {false, true}) {
      for (const bool in_git : {false, true}) {
        for (const char* stored : {"", "locked", "propose", "auto", "no word"}) {
          for (const char* text :
               {"{}", R"({"skills":{"pdf":{"autonomy":"auto"}}})",
                R"({"skills":{"pdf":{"autonomy":"locked"},"PDF":{"autonomy":"auto"}}})",
                R"({"skills":{"pdf":{"autonomy":"never"}}})", R"({"skills":[]})"}) {
            CAPTURE(off);
            CAPTURE(in_git);
            CAPTURE(stored);
            CAPTURE(text);
            const config::Config config = Parsed(text);
            orchestrate::SkillTarget target;
            target.skill = "pdf";
            target.off = off;
            target.in_git = in_git;
            orchestrate::PolicyInput input{.target = &target, .config = &config};
            input.stored.autonomy = stored;
            CHECK(DecideSkillPolicy(
                      {.skill = "pdf", .off = off, .stored = stored, .in_git = in_git}, config)
                      .autonomy == orchestrate::AutonomyOf(input));
          }
        }
      }
    }
  }

  TEST_CASE("a file that says off locks the skill, and one that is gone does not") {
    const selftune::testing::TempDir dir;
    World world;
    world.Install("pdf", dir / "pdf/SKILL.md", "Fills forms.");
    const config::Config config = Parsed(R"({"skills":{"pdf":{"autonomy":"auto"}}})");
    const auto read = [&] {
      auto states = Must(ReadSkillStates(world.db(), config, {.now = testing::kNow}));
      REQUIRE(states.size() == 1);
      ReadOffSwitch(states[0]);
      return states[0];
    };
    CHECK(read().autonomy == SkillAutonomy::kAuto);
    (void)dir.Write("pdf/SKILL.md", "---\nname: pdf\nmetadata:\n  selftune: \"on\"\n---\n");
    CHECK(read().autonomy == SkillAutonomy::kAuto);
    CHECK(read().autonomy_source == "config");
    (void)dir.Write("pdf/SKILL.md", "---\nname: pdf\nmetadata:\n  selftune: \"off\"\n---\n");
    const SkillState state = read();
    CHECK(state.autonomy == SkillAutonomy::kLocked);
    CHECK(state.autonomy_source == "frontmatter");
    CHECK(std::count(state.flags.begin(), state.flags.end(), "locked") == 1);
  }

  TEST_CASE("the sentence names the rule, and what the general setting makes of it") {
    const config::Config off;
    const config::Config propose = Parsed(R"({"autonomy":"propose"})");
    const config::Config deploy = Parsed(R"({"autonomy":"deploy"})");
    const auto say = [](SkillAutonomy autonomy, std::string_view source,
                        const config::Config& config, bool managed = false) {
      return ExplainPolicy("pdf", {autonomy, source}, managed, config);
    };
    CHECK(say(SkillAutonomy::kLocked, "config", off) == "config.json sets skills.pdf.autonomy");
    CHECK(say(SkillAutonomy::kPropose, "version_control", deploy) ==
          "the file is under version control: its change concerns a team");
    CHECK(say(SkillAutonomy::kAuto, "default", off).ends_with("(autonomy off)"));
    CHECK(say(SkillAutonomy::kAuto, "default", propose).ends_with("(autonomy propose)"));
    CHECK(say(SkillAutonomy::kAuto, "default", deploy) ==
          "the default for files that are not under version control");
    CHECK(say(SkillAutonomy::kAuto, "config", deploy, true).find("never changed") !=
          std::string::npos);
  }
}

}  // namespace selftune::status
