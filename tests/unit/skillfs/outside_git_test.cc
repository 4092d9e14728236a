// Where hosts look for the skills of a session that runs in no repository. Tried out with the
// programs: tests/hosts/real_roots_test.py.
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "fake_machine.h"

namespace selftune::skillfs {
namespace {

using testing::FakeMachine;
using Names = std::set<std::string>;

TEST_SUITE("skillfs/outside git") {
  TEST_CASE("a session outside git gets what lies above it as far as its host looks") {
    struct Case {
      const char* platform;
      const char* folder;
      Names in_home;    // of a session below the home
      Names elsewhere;  // of one that is not
    };
    const Case cases[] = {
        {"claude_code", ".claude", {"here", "above"}, {"here", "above", "top"}},
        {"codex", ".codex", {"here"}, {"here"}},
        {"codex", ".agents", {"here"}, {"here"}},
        {"opencode", ".opencode", {"here", "above", "top"}, {"here", "above", "top"}},
        {"opencode", ".claude", {"here", "above", "top"}, {"here", "above", "top"}},
        {"opencode", ".agents", {"here", "above", "top"}, {"here", "above", "top"}},
        {"copilot", ".github", {"here", "above", "home"}, {"here", "above", "top"}},
        {"copilot", ".agents", {"here", "above"}, {"here", "above", "top"}},
        {"copilot", ".claude", {"here", "above"}, {"here", "above", "top"}},
        {"pi", ".pi", {"here"}, {"here"}},
        {"gemini", ".gemini", {"here"}, {"here"}},
        {"gemini", ".agents", {"here"}, {"here"}},
        {"qwen", ".qwen", {"here"}, {"here"}},
        {"cline", ".cline", {"here"}, {"here"}},
    };
    for (const Case& c : cases) {
      CAPTURE(c.platform);
      CAPTURE(c.folder);
      for (const bool in_home : {true, false}) {
        CAPTURE(in_home);
        const std::string above = in_home ? "home/work" : "srv";
        FakeMachine machine;
        const auto put = [&](const std::string& where, const std::string& name) {
          machine.Skill(where + "/" + c.folder + "/skills/" + name, name);
        };
        put(above + "/a/b", "here");
        put(above, "above");
        put("home", "home");
        put(".", "top");
        Names seen;
        for (const InstalledSkill& skill : machine.Find(c.platform, {above + "/a/b"}).skills) {
          for (const SkillPlacement& place : skill.placements) {
            if (place.project_root.empty()) continue;
            CHECK(place.project_root == machine.Path(above + "/a/b"));
            seen.insert(place.name);
          }
        }
        CHECK(seen == (in_home ? c.in_home : c.elsewhere));
      }
    }
  }

  TEST_CASE("pi: shared folders above a session, all the way up, the person's apart") {
    FakeMachine machine;
    machine.Skill("home/work/a/.agents/skills/here", "here");
    machine.Skill("home/work/.agents/skills/above", "above");
    machine.Skill("home/.agents/skills/own", "own");
    machine.Skill(".agents/skills/top", "top");
    Names seen;
    for (const InstalledSkill& skill : machine.Find("pi", {"home/work/a"}).skills) {
      REQUIRE(skill.placements.size() == 1);
      seen.insert(skill.name + " " + std::string(skill.placements[0].scope));
    }
    CHECK(seen == Names{"here project", "above project", "own global", "top project"});
  }

  TEST_CASE("in a repository nothing above its root counts") {
    for (const char* platform : {"claude_code", "opencode", "copilot"}) {
      CAPTURE(platform);
      FakeMachine machine;
      machine.Dir("home/work/a/.git");
      machine.Dir("home/work/a/b");
      machine.Skill("home/work/a/.claude/skills/root", "root");
      machine.Skill("home/work/.claude/skills/above", "above");
      const Discovery found = machine.Find(platform, {"home/work/a/b"});
      REQUIRE(found.skills.size() == 1);
      CHECK(found.skills[0].name == "root");
    }
  }
}

}  // namespace
}  // namespace selftune::skillfs
