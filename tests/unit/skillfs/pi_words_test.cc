// What settings of Pi take out of its folders, and where it looks besides those of the table.
#include <filesystem>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "hosts/pi/skill_entries.h"
#include "named_roots_machine.h"
#include "support/temp_dir.h"

namespace selftune {
namespace {

using named_roots::CheckAll;
using named_roots::File;

TEST_SUITE("skillfs/pi words") {
  // Tried with the package manager of Pi 0.87.1.
  TEST_CASE("pi: words take skills out of the folders of their side") {
    const char* const own = "home/.pi/agent/settings.json";
    const char* const theirs = "repo/src/.pi/settings.json";
    const char* const mine = "home/.pi/agent/skills/two";
    const char* const shared = "home/.agents/skills/two";
    const std::string mine_found = "home/.pi/agent/skills/two: two global";
    const std::string shared_found =
        "home/.agents/skills/two: two global, behind " + std::string(mine);
    const std::string off = std::string(", off by ") + own;
    const auto words = [&](const std::string& list) {
      return File{own, R"({"skills": [)" + list + "]}"};
    };
    CheckAll({
        {"by a name: wherever it is",
         "pi",
         {mine, shared},
         {words(R"("!two")")},
         {shared_found + off, mine_found + off}},
        {"by a path from the folder that holds `skills`: of both folders",
         "pi",
         {mine, shared},
         {words(R"("-skills/two")")},
         {shared_found + off, mine_found + off}},
        {"by a whole path: of one",
         "pi",
         {mine, shared},
         {words(R"("-~~/home/.agents/skills/two/SKILL.md")")},
         {shared_found + off, mine_found}},
        {"let in again",
         "pi",
         {mine, shared, "home/.pi/agent/skills/g/three"},
         {words(R"("!**", "+skills/two")")},
         {shared_found, "home/.pi/agent/skills/g/three: three global" + off, mine_found}},
        {"a name with a minus is a path, and none is there",
         "pi",
         {mine},
         {words(R"("-two")")},
         {mine_found}},
        {"a pattern for a group",
         "pi",
         {mine, "home/.agents/skills/g/three"},
         {words(R"("!skills/g/*")")},
         {"home/.agents/skills/g/three: three global" + off, mine_found}},
        {"a pattern without a sign is about what the list names",
         "pi",
         {mine, "shelf/a/one", "shelf/fish"},
         {words(R"("~~/shelf", "fi*")")},
         {mine_found, "shelf/a/one: one global" + off, "shelf/fish: fish global"}},
        {"what is named lies outside: by its whole path, or the way there",
         "pi",
         {"shelf/a/one", "shelf/fish", "shelf/last"},
         {words(R"("~~/shelf", "!~~/shelf/fi*", "-../../../shelf/a/one")")},
         {"shelf/a/one: one global" + off, "shelf/fish: fish global" + off,
          "shelf/last: last global"}},
        {"of a project its own, there alone",
         "pi",
         {mine, "repo/src/.pi/skills/three", "repo/.agents/skills/three"},
         {{theirs, R"({"skills": ["!t*"]})"}},
         {mine_found,
          "repo/.agents/skills/three: three project in repo, behind repo/src/.pi/skills/three, "
          "off in repo/src by " +
              std::string(theirs),
          "repo/src/.pi/skills/three: three project in repo, off in repo/src by " +
              std::string(theirs)}},
        {"a project's settings above a session are none",
         "pi",
         {"repo/src/.pi/skills/three"},
         {{"repo/.pi/settings.json", R"({"skills": ["!t*"]})"}},
         {"repo/src/.pi/skills/three: three project in repo"}},
        {"of packages nothing",
         "pi",
         {"home/.pi/agent/npm/node_modules/kit/skills/three"},
         {{own, R"({"packages": ["npm:kit"], "skills": ["!three"]})"}},
         {"home/.pi/agent/npm/node_modules/kit/skills/three: three system of npm:kit"}},
    });
  }

  TEST_CASE("pi: what was found to be taken out is off, though words were too many for the rest") {
    const named_roots::Machine machine;
    const std::string skills = "home/.pi/agent/skills/";
    machine.Skill(skills + "check");
    for (int i = 10; i < 40; ++i) machine.Skill(skills + "d" + std::to_string(i));
    std::string list = R"("!skills/check")";
    for (int i = 0; i < 20'000; ++i) list += ",\"!skills/*none" + std::to_string(i) + "\"";
    const char* const own = "home/.pi/agent/settings.json";
    machine.Write({own, R"({"skills": [)" + list + "]}"});
    const skillfs::Discovery found = machine.Find("pi");
    REQUIRE(found.problems.size() == 1);
    CHECK(found.problems[0].code == "TOO_MANY_ENTRIES");
    const named_roots::Lines told = machine.Told(found);
    CHECK(told.front() == skills + "check: check global, off by " + own);
    CHECK(told.back() == skills + "d39: d39 global, unknown by " + own);
  }

  TEST_CASE("pi: a package that an old release installed for the whole machine") {
    const char* const prefixes[] = {"home/.npm-global", "home/.nvm/versions/node/v22.1.0",
                                    "root/usr/local", "root/usr"};
    const char* const pi = "/lib/node_modules/@mariozechner/pi-coding-agent";
    const char* const kit = "/lib/node_modules/@me/kit";
    struct Case {
      const char* name;
      std::vector<std::string> there;  // prefix and package
      const char* npmrc;
      const char* want;                                  // prefix, "" = not found
      const char* npm = "[]";                            // the setting npmCommand
      const char* folder = "/lib/node_modules/@me/kit";  // below the prefix
    };
    const Case cases[] = {
        {"nowhere", {}, "", ""},
        {"beside Pi",
         {std::string(prefixes[1]) + pi, std::string(prefixes[1]) + kit},
         "",
         prefixes[1]},
        {"where Pi is not",
         {std::string(prefixes[2]) + pi, std::string(prefixes[1]) + kit},
         "",
         ""},
        {"of the machine",
         {std::string(prefixes[2]) + pi, std::string(prefixes[2]) + kit},
         "",
         prefixes[2]},
        {"where npm is told to",
         {std::string(prefixes[0]) + kit, std::string(prefixes[2]) + pi},
         "color = true\n prefix = \"${HOME}/.npm-global\"\n",
         prefixes[0]},
        {"and nowhere else",
         {std::string(prefixes[2]) + pi, std::string(prefixes[2]) + kit},
         "prefix=~/.npm-global\n",
         ""},
        {"by npm of another Node: as without that setting",
         {std::string(prefixes[1]) + pi, std::string(prefixes[1]) + kit},
         "",
         prefixes[1],
         R"(["mise", "exec", "node@22", "--", "npm"])"},
        {"by bun, which npm knows nothing of",
         {std::string(prefixes[2]) + pi, std::string(prefixes[2]) + kit,
          "home/.bun/install/global/node_modules/@me/kit"},
         "",
         "home/.bun",
         R"(["bun"])",
         "/install/global/node_modules/@me/kit"},
        {"by pnpm behind another command: its newest layout",
         {"home/.local/share/pnpm/global/5/node_modules/@me/kit",
          "home/.local/share/pnpm/global/11/node_modules/@me/kit"},
         "",
         "home/.local/share/pnpm",
         R"(["corepack", "--", "pnpm"])",
         "/global/11/node_modules/@me/kit"},
        {"not by bun",
         {std::string(prefixes[2]) + pi, std::string(prefixes[2]) + kit},
         "",
         "",
         R"(["/opt/bun"])"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const testing::TempDir dir;
      for (const std::string& folder : c.there) std::filesystem::create_directories(dir / folder);
      std::filesystem::create_directories(dir / "home");
      if (*c.npmrc != '\0') dir.Write("home/.npmrc", c.npmrc);
      dir.Write("home/.pi/agent/settings.json",
                fmt::format(R"({{"packages": ["npm:@me/kit@^1"], "npmCommand": {}}})", c.npm));
      std::vector<skillfs::DiscoveryProblem> problems;
      const std::vector<skillfs::NamedRoot> roots =
          hosts::pi::NamedSkillRoots({.home = dir / "home",
                                      .config_dir = dir / "home/.pi/agent",
                                      .project_dirs = {},
                                      .absolute_root = dir / "root"},
                                     problems);
      REQUIRE(roots.size() == 1);
      const std::string where = *c.want == '\0' ? dir / "home/.pi/agent/npm/node_modules/@me/kit"
                                                : dir / (std::string(c.want) + c.folder);
      CHECK(roots[0].path == where + "/skills");
    }
  }
}

}  // namespace
}  // namespace selftune
