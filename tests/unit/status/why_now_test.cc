// Why, as files, settings and the folder that is asked from have it now.
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "status/why_parts.h"
#include "store/queries/health.h"
#include "unit/status/why_scene.h"

namespace selftune::status {
namespace {

using skillfs::SkillPlacement;
using testing::DaysAgo;
using testing::Find;
using testing::Must;
using testing::Place;
using testing::Scene;
using testing::World;

}  // namespace

TEST_SUITE("status/why now") {
  TEST_CASE("the stored cause stands beside what files and settings say now") {
    using Kind = Bar::Kind;
    struct Case {
      const char* name;
      std::optional<MissCause> stored;
      Kind bar;  // of the file as it is now
      const char* cause;
      const char* missed_cause;  // "" = none
      bool both;                 // the answer tells of both
    };
    const Case cases[] = {
        {"as stored", MissCause::kNotListed, Kind::kNone, "not_listed", "not_listed", false},
        {"by command only since", MissCause::kNotListed, Kind::kExplicitOnly, "disabled",
         "not_listed", true},
        {"nobody missed it", std::nullopt, Kind::kExplicitOnly, "disabled", "", false},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      Scene scene;
      scene.Offer({.name = "third"});
      if (c.stored.has_value()) scene.world.Missed(scene.prompt, "pdf", *c.stored);
      const skillfs::Discovery found{
          .skills = {{.name = "pdf", .placements = {Place("claude_code", c.bar)}}}};
      const auto skill = Must(store::FindSkill(scene.world.db(), "pdf"));
      for (const WhyAnswer& answer :
           {Must(WhyAt(scene.world.db(), skill, scene.session, 3, {.found = &found})),
            Must(WhyAtAll(scene.world.db(), skill, {.found = &found}))}) {
        CHECK(answer.cause == c.cause);
        CHECK(answer.missed_cause.value_or("") == c.missed_cause);
        const WhyEvidence* const row = Find(answer, "missed_cause");
        CHECK((row != nullptr) == c.both);
        if (row == nullptr) continue;
        CHECK(row->result ==
              "not_listed: told by what was recorded at the time, and stored; disabled is what "
              "files and settings say now, and no evidence of then");
        CHECK(answer.explanation.find("That is so now; what was recorded at the time says "
                                      "not_listed.") != std::string::npos);
      }
      // What is stored is not touched by the question.
      const auto causes = Must(store::ReadJudgedPrompts(scene.world.db(), {.skill = skill.id}));
      CHECK(causes.size() == (c.stored.has_value() ? 1U : 0U));
    }
  }

  TEST_CASE("a question without a session is about the folder that it comes from") {
    constexpr char kProject[] = "/home/dev/site";
    struct Case {
      const char* cwd;
      const char* text;    // cause for a prompt to come
      const char* at_all;  // in general
      const char* here;    // the row about the folder, "" = there is none
    };
    const Case cases[] = {
        {"", "would_match", "no_misses", ""},
        {"/home/dev/site", "would_match", "no_misses",
         "asked from /home/dev/site: a session there sees a copy"},
        {"/home/dev/site/src", "would_match", "no_misses",
         "asked from /home/dev/site/src: a session there sees a copy"},
        {"/home/dev/shop", "not_installed", "not_installed",
         "asked from /home/dev/shop: a session there sees no copy"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.cwd);
      World world;
      world.Install("deploy", "/home/dev/site/.claude/skills/deploy/SKILL.md", "Deploy the site.",
                    true, kProject);
      const auto skill = Must(store::FindSkill(world.db(), "deploy"));
      const WhyScope scope{.cwd = c.cwd};
      const WhyAnswer text = Must(WhyText(world.db(), skill, "deploy it now", scope));
      const WhyAnswer general = Must(WhyAtAll(world.db(), skill, scope));
      CHECK(text.cause == c.text);
      CHECK(general.cause == c.at_all);
      for (const WhyAnswer* const answer : {&text, &general}) {
        const WhyEvidence* const row = Find(*answer, "here");
        CHECK((row == nullptr ? "" : row->result) == c.here);
        if (answer->cause != "not_installed") continue;
        CHECK(answer->explanation == "It is not installed for sessions in /home/dev/shop.");
      }
    }
  }

  TEST_CASE("a file that is no SKILL.md is a skill for those agents alone that take such") {
    constexpr char kSingle[] = "/home/dev/.agents/skills/group/deploy.md";
    for (const bool forbidden : {false, true}) {
      CAPTURE(forbidden);
      World world;
      world.Install("deploy", kSingle, "Deploy the site.", !forbidden);
      const auto skill = Must(store::FindSkill(world.db(), "deploy"));
      SkillPlacement place;
      place.path = kSingle;
      place.platform = "pi";
      place.explicit_only = forbidden;
      const skillfs::Discovery found{.skills = {{.name = "deploy", .placements = {place}}}};
      for (const skillfs::Discovery* const looked : {&found, (const skillfs::Discovery*)nullptr}) {
        const auto cause = [&](std::string_view platform) {
          const WhyScope scope{.platform = platform, .found = looked};
          const std::string text = Must(WhyText(world.db(), skill, "deploy it now", scope)).cause;
          const std::string general = Must(WhyAtAll(world.db(), skill, scope)).cause;
          return text + " " + general;
        };
        CHECK(cause("codex") == "not_installed not_installed");
        CHECK(cause("pi") == (forbidden ? "disabled disabled" : "would_match no_misses"));
      }
    }
  }

  TEST_CASE("misses elsewhere stay the answer, and the folder that does not see it is told") {
    World world;
    world.Install("deploy", "/home/dev/site/.claude/skills/deploy/SKILL.md", "Deploy the site.",
                  true, "/home/dev/site");
    const auto session = world.Session("s1", DaysAgo(1));
    world.Missed(world.Prompt(session, 0, "go live", DaysAgo(1)), "deploy",
                 MissCause::kDescription);
    const auto skill = Must(store::FindSkill(world.db(), "deploy"));
    const WhyAnswer answer = Must(WhyAtAll(world.db(), skill, {.cwd = "/home/dev/shop"}));
    CHECK(answer.cause == "description");
    CHECK(answer.explanation.ends_with(" Sessions in /home/dev/shop do not see it."));
  }

  TEST_CASE("asked by someone who stands elsewhere, what bars the skill is told all the same") {
    World world;
    world.Install("deploy", "/home/dev/site/.claude/skills/deploy/SKILL.md", "Deploy the site.",
                  false, "/home/dev/site");
    const auto skill = Must(store::FindSkill(world.db(), "deploy"));
    for (const bool or_elsewhere : {true, false}) {
      CAPTURE(or_elsewhere);
      const std::string_view cause = or_elsewhere ? "disabled" : "not_installed";
      const WhyScope scope{.cwd = "/home/dev/shop", .or_elsewhere = or_elsewhere};
      CHECK(Must(WhyAtAll(world.db(), skill, scope)).cause == cause);
      CHECK(Must(WhyText(world.db(), skill, "deploy it now", scope)).cause == cause);
    }
  }

  TEST_CASE("a copy that the last sync did not see counts where it is seen") {
    World world;
    world.Install("deploy", "/home/dev/site/.claude/skills/deploy/SKILL.md", "Deploy the site.",
                  true, "/home/dev/site");
    SkillPlacement here = Place("claude_code");
    here.name = "deploy";
    here.project_root = "/home/dev/shop";
    const skillfs::Discovery found{.skills = {{.name = "deploy", .placements = {here}}}};
    const auto skill = Must(store::FindSkill(world.db(), "deploy"));
    const WhyScope scope{.cwd = "/home/dev/shop", .found = &found};
    CHECK(Must(WhyText(world.db(), skill, "deploy it now", scope)).cause == "would_match");
  }

  TEST_CASE("settings of a project switch a skill off for sessions in there") {
    for (const auto& [project, cause] :
         {std::pair{"/home/dev/shop", "disabled"}, std::pair{"/home/dev/site", "unknown"}}) {
      CAPTURE(project);
      Scene scene;  // in /home/dev/shop
      SkillPlacement place = Place("claude_code");
      place.switches.in_projects = {{project, "/settings.json"}};
      const skillfs::Discovery found{.skills = {{.name = "pdf", .placements = {place}}}};
      const auto skill = Must(store::FindSkill(scene.world.db(), "pdf"));
      const auto answer = Must(WhyAt(scene.world.db(), skill, scene.session, 3, {.found = &found}));
      CHECK(answer.cause == cause);
      CHECK((answer.fix == "allow it in /settings.json") == (answer.cause == "disabled"));
    }
  }

  TEST_CASE("what a project switches on again is not blamed on settings in there") {
    for (const auto& [project, cause] :
         {std::pair{"/home/dev/shop", "unknown"}, std::pair{"/home/dev/site", "disabled"}}) {
      CAPTURE(project);
      Scene scene;  // in /home/dev/shop
      SkillPlacement place = Place("claude_code", Bar::Kind::kDisabled);
      place.switches.in_projects = {
          {.project_root = project, .settings = "/on.json", .state = skillfs::SwitchState::kOn}};
      const skillfs::Discovery found{.skills = {{.name = "pdf", .placements = {place}}}};
      const auto skill = Must(store::FindSkill(scene.world.db(), "pdf"));
      const auto answer = Must(WhyAt(scene.world.db(), skill, scene.session, 3, {.found = &found}));
      CHECK(answer.cause == cause);
      CHECK((answer.fix == "allow it in /home/dev/settings.json") == (answer.cause == "disabled"));
      const auto told = std::ranges::find(answer.evidence, "/on.json", &WhyEvidence::source_path);
      REQUIRE(told != answer.evidence.end());
      CHECK(told->result.ends_with(std::string("switch it on for sessions in ") + project));
    }
  }

  TEST_CASE("of projects that switch a skill on again the session's own is told") {
    for (const char* const last : {"/home/dev/shop", "/home/dev/zoo"}) {
      CAPTURE(last);
      Scene scene;  // in /home/dev/shop
      SkillPlacement place = Place("claude_code", Bar::Kind::kDisabled);
      for (const std::string project : {"/home/dev/app", last}) {
        place.switches.in_projects.push_back({.project_root = project,
                                              .settings = project + "/on.json",
                                              .state = skillfs::SwitchState::kOn});
      }
      const skillfs::Discovery found{.skills = {{.name = "pdf", .placements = {place}}}};
      const auto skill = Must(store::FindSkill(scene.world.db(), "pdf"));
      const auto answer = Must(WhyAt(scene.world.db(), skill, scene.session, 3, {.found = &found}));
      std::vector<std::string> told;
      for (const WhyEvidence& one : answer.evidence) {
        if (one.source_path.ends_with("/on.json")) told.push_back(one.source_path);
      }
      // Where none is, any of them.
      const bool here = last == std::string_view("/home/dev/shop");
      CHECK(told ==
            std::vector<std::string>{here ? "/home/dev/shop/on.json" : "/home/dev/app/on.json"});
    }
  }

  TEST_CASE("a skill of another project was not installed here") {
    World world;
    const auto session = world.Session("s1", DaysAgo(1));
    (void)world.Prompt(session, 0, "go", DaysAgo(1));
    world.Install("deploy", "/home/dev/site/.claude/skills/deploy/SKILL.md", "Deploy.", true,
                  "/home/dev/site");
    const auto skill = Must(store::FindSkill(world.db(), "deploy"));
    CHECK(Must(WhyAt(world.db(), skill, session, 0)).cause == "not_installed");
  }

  TEST_CASE("of a skill that several projects have, none but those have it installed") {
    const char* const path = "/home/dev/kit/deploy/SKILL.md";
    struct Case {
      std::vector<const char*> projects;
      const char* cause;  // of a session in /home/dev/shop
    };
    const Case cases[] = {{{"/home/dev/shop", "/home/dev/site"}, "unknown"},
                          {{"/home/dev/site", "/home/dev/shop"}, "unknown"},
                          {{"/home/dev/blog", "/home/dev/site"}, "not_installed"}};
    for (const Case& c : cases) {
      CAPTURE(c.projects[0]);
      World world;
      const auto session = world.Session("s1", DaysAgo(1));
      (void)world.Prompt(session, 0, "go", DaysAgo(1));
      world.Install("deploy", path, "Deploy.", true, "/home/dev");  // as a sync stores it
      skillfs::InstalledSkill file{.name = "deploy"};
      for (const char* project : c.projects) {
        file.placements.push_back(Place("claude_code"));
        file.placements.back().path = path;
        file.placements.back().name = "deploy";
        file.placements.back().project_root = project;
      }
      const skillfs::Discovery found{.skills = {file}};
      const auto skill = Must(store::FindSkill(world.db(), "deploy"));
      const auto answer = Must(WhyAt(world.db(), skill, session, 0, {.found = &found}));
      CHECK(answer.cause == c.cause);
      CHECK(Find(answer, "installed")->result == std::string("project skill, seen only inside ") +
                                                     c.projects[0] + " and " + c.projects[1]);
    }
  }
}

}  // namespace selftune::status
