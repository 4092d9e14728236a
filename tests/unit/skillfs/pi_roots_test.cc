// Folders of skills that settings and packages of Pi name.
#include <filesystem>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "hosts/pi/package_filter.h"
#include "hosts/pi/skill_entries.h"
#include "named_roots_machine.h"
#include "support/temp_dir.h"

namespace selftune {
namespace {

using named_roots::CheckAll;
using named_roots::File;
using named_roots::Machine;

TEST_SUITE("skillfs/pi roots") {
  TEST_CASE("pi: the project before the person, what settings name before its folders") {
    const char* const own = "home/.pi/agent/settings.json";
    const char* const theirs = "repo/src/.pi/settings.json";
    CheckAll({
        {"every rank once, the first hides the others",
         "pi",
         {"repo/src/shelf/check", "repo/src/.pi/skills/check", "repo/.agents/skills/check",
          "shelf/check", "home/.pi/agent/skills/check", "home/.agents/skills/check",
          "home/.pi/agent/npm/node_modules/kit/skills/check"},
         {{theirs, R"({"skills": ["../shelf"]})"},
          {own, R"({"skills": ["~~/shelf"], "packages": ["npm:kit@1.0.0"]})"}},
         {"home/.agents/skills/check: check global, behind shelf/check",
          "home/.pi/agent/npm/node_modules/kit/skills/check: check system of npm:kit@1.0.0, "
          "behind shelf/check",
          "home/.pi/agent/skills/check: check global, behind shelf/check",
          "repo/.agents/skills/check: check project in repo, behind repo/src/shelf/check",
          "repo/src/.pi/skills/check: check project in repo, behind repo/src/shelf/check",
          "repo/src/shelf/check: check project in repo", "shelf/check: check global"}},
        {"the person's folders",
         "pi",
         {"home/.pi/agent/skills/check", "home/.agents/skills/check"},
         {},
         {"home/.agents/skills/check: check global, behind home/.pi/agent/skills/check",
          "home/.pi/agent/skills/check: check global"}},
        {"an entry is a folder of skills, a skill or its file; patterns are none",
         "pi",
         {"shelf/a/one", "home/two", "home/.pi/agent/three", "home/.pi/agent/four",
          "home/.pi/agent/five"},
         {{own, R"({"skills": ["~~/shelf", " ~/two ", "three/SKILL.md", "!four", "+five",
                               "absent"]})"}},
         {"home/.pi/agent/three: three global", "home/two: two global", "shelf/a/one: one global"}},
        {"a skill of a folder that is named too is one placement",
         "pi",
         {"home/.pi/agent/skills/check"},
         {{own, R"({"skills": ["skills/check"]})"}},
         {"home/.pi/agent/skills/check: check global"}},
        {"an entry that is taken out again",
         "pi",
         {"home/.pi/agent/kit/one", "home/.pi/agent/kit/two"},
         {{own, R"({"skills": ["kit", "-kit/one"]})"}},
         {"home/.pi/agent/kit/one: one global, off by home/.pi/agent/settings.json",
          "home/.pi/agent/kit/two: two global"}},
        {"of two projects that name one folder each sees it",
         "pi",
         {"shelf/check"},
         {{theirs, R"({"skills": ["~~/shelf"]})"},
          {"other/.pi/settings.json", R"({"skills": ["~~/shelf/check"]})"}},
         {"shelf/check: check project in other", "shelf/check: check project in repo"}},
        {"a project that names what the person names adds nothing",
         "pi",
         {"shelf/check"},
         {{theirs, R"({"skills": ["~~/shelf"]})"}, {own, R"({"skills": ["~~/shelf"]})"}},
         {"shelf/check: check global"}},
    });
  }

  TEST_CASE("pi: packages from npm, git and folders") {
    const char* const own = "home/.pi/agent/settings.json";
    const char* const theirs = "repo/src/.pi/settings.json";
    const char* const kit = "home/.pi/agent/npm/node_modules/@me/kit";
    const auto manifest = [&](const std::string& pi) {
      return File{std::string(kit) + "/package.json", R"({"name": "@me/kit", "pi": )" + pi + "}"};
    };
    const auto use = [&](const std::string& package) {
      return File{own, R"({"packages": [)" + package + "]}"};
    };
    const char* const one = "home/.pi/agent/npm/node_modules/@me/kit/skills/one";
    const char* const two = "home/.pi/agent/npm/node_modules/@me/kit/skills/group/two";
    const char* const dep = "home/.pi/agent/npm/node_modules/@me/kit/node_modules/x/skills/dep";
    const std::string one_found = std::string(one) + ": one system of npm:@me/kit";
    const std::string two_found = std::string(two) + ": two system of npm:@me/kit";
    const std::string off = std::string(", off by ") + own;
    const char* const repo = "home/.pi/agent/git/github.com/me/kit/skills/one";
    CheckAll({
        {"without a manifest: its folder `skills`",
         "pi",
         {one, two, dep},
         {use(R"("npm:@me/kit")")},
         {two_found, one_found}},
        {"not in the settings", "pi", {one}, {use("")}, {}},
        {"the manifest names folders, also of what it depends on",
         "pi",
         {one, dep},
         {use(R"("npm:@me/kit")"), manifest(R"({"skills": ["./node_modules/x/skills"]})")},
         {std::string(dep) + ": dep system of npm:@me/kit"}},
        {"a manifest without skills has none",
         "pi",
         {one},
         {use(R"("npm:@me/kit")"), manifest(R"({"extensions": ["x.ts"]})")},
         {}},
        {"a pattern of the manifest, and one that takes out",
         "pi",
         {one, two},
         {use(R"("npm:@me/kit")"), manifest(R"({"skills": ["skills/*", "!two"]})")},
         {one_found}},
        {"the settings take all skills out",
         "pi",
         {one},
         {use(R"({"source": "npm:@me/kit", "skills": []})")},
         {one_found + off}},
        {"the settings let one in",
         "pi",
         {one, two},
         {use(R"({"source": "npm:@me/kit", "skills": ["skills/group/**"]})")},
         {two_found, one_found + off}},
        {"the settings say nothing of skills",
         "pi",
         {one},
         {use(R"({"source": "npm:@me/kit", "prompts": []})"),
          manifest(R"({"extensions": ["x.ts"]})")},
         {one_found}},
        {"nothing is loaded but what is named",
         "pi",
         {one, two},
         {use(R"({"source": "npm:@me/kit", "autoload": false, "skills": ["+skills/one"]})")},
         {one_found}},
        {"a project takes a skill of the person's package out: only there",
         "pi",
         {one, two},
         {use(R"("npm:@me/kit")"),
          {theirs, R"({"packages": [{"source": "npm:@me/kit", "autoload": false,
                                     "skills": ["-skills/one"]}]})"}},
         {two_found, one_found + ", off in repo by " + theirs}},
        {"a project lets one in that the person took out: only there",
         "pi",
         {one, two},
         {use(R"({"source": "npm:@me/kit", "skills": ["!one"]})"),
          {theirs, R"({"packages": [{"source": "npm:@me/kit", "autoload": false,
                                     "skills": ["+skills/one"]}]})"}},
         {two_found, one_found + " in repo", one_found + off}},
        {"two projects say so, each of its own",
         "pi",
         {one, two},
         {use(R"("npm:@me/kit")"),
          {theirs, R"({"packages": [{"source": "npm:@me/kit", "autoload": false,
                                     "skills": ["-skills/one"]}]})"},
          {"other/.pi/settings.json", R"({"packages": [{"source": "npm:@me/kit",
                                 "autoload": false, "skills": ["-skills/group/two"]}]})"}},
         {two_found + ", off in other by other/.pi/settings.json",
          one_found + ", off in repo by " + theirs}},
        {"a folder that is named, of a package that leaves one out: the package is first",
         "pi",
         {one, two},
         {{own, R"({"packages": [{"source": "npm:@me/kit", "skills": ["two"]}],
                    "skills": ["npm/node_modules/@me/kit/skills"]})"}},
         {two_found, one_found + off}},
        {"from git",
         "pi",
         {repo},
         {use(R"("git:git@github.com:me/kit.git@v1")")},
         {std::string(repo) + ": one system of git:git@github.com:me/kit.git@v1"}},
        {"the settings also name its skills as the person's: they stay the package's",
         "pi",
         {repo},
         {{own, R"({"packages": ["git:github.com/me/kit"],
                    "skills": ["git/github.com/me/kit/skills"]})"}},
         {std::string(repo) + ": one system of git:github.com/me/kit"}},
        {"or a folder around them",
         "pi",
         {repo},
         {{own, R"({"packages": ["git:github.com/me/kit"], "skills": ["git"]})"}},
         {std::string(repo) + ": one system of git:github.com/me/kit"}},
        {"a manifest does not name what lies elsewhere",
         "pi",
         {one, "home/.pi/agent/skills/mine"},
         {use(R"("npm:@me/kit")"), manifest(R"({"skills": ["skills", "../../../../skills"]})")},
         {one_found, "home/.pi/agent/skills/mine: mine global"}},
        {"nor one with patterns",
         "pi",
         {one, "home/.pi/agent/skills/mine", "home/.pi/agent/npm/node_modules/@me/kit-evil/x"},
         {use(R"("npm:@me/kit")"),
          manifest(R"({"skills": ["!zz", "skills", "../../../../skills", "../kit-evil"]})")},
         {one_found, "home/.pi/agent/skills/mine: mine global"}},
        {"a folder where it lies is the person's own",
         "pi",
         {"home/.pi/kit/skills/one"},
         {use(R"("../kit")")},
         {"home/.pi/kit/skills/one: one global"}},
        {"of a project",
         "pi",
         {"repo/src/.pi/npm/node_modules/kit/skills/one", "repo/src/.pi/kit/skills/two"},
         {{theirs, R"({"packages": ["npm:kit", "./kit"]})"}},
         {"repo/src/.pi/kit/skills/two: two project in repo",
          "repo/src/.pi/npm/node_modules/kit/skills/one: one system of npm:kit in repo"}},
    });
  }

  TEST_CASE("pi: where a package lies") {
    struct Source {
      const char* source;
      const char* folder;
    };
    const Source sources[] = {
        {"npm:kit", "npm/node_modules/kit"},
        {"npm:kit@1.2.3", "npm/node_modules/kit"},
        {"npm:@me/kit@^1", "npm/node_modules/@me/kit"},
        {"npm:../../etc", ""},
        {"git:github.com/me/kit", "git/github.com/me/kit"},
        {"git:me/kit@main", "git/github.com/me/kit"},
        {"git:git@host.org:me/kit.git", "git/host.org/me/kit"},
        {"https://host.org/a/b/kit.git@v1", "git/host.org/a/b/kit"},
        {"https://user:pass@host.org:8443/me/kit", "git/host.org/me/kit"},
        {"ssh://git@host.org/me/kit#v1", "git/host.org/me/kit"},
        {"https://host.org/me/../../kit", ""},
        {"https://host.org/kit", ""},
        {"./kit", ""},
        {"/srv/kit", ""},
    };
    for (const Source& one : sources) {
      CAPTURE(one.source);
      CHECK(hosts::pi::PackageFolder(one.source) == one.folder);
    }
  }

  TEST_CASE("pi: a pattern costs what the path is long, not what the pattern is") {
    const std::string path = "skills/some/group/check";
    std::string letters, folders;
    while (letters.size() < 4000) {
      letters += "*s";
      folders += "**/";
    }
    struct Cost {
      std::string pattern;
      size_t most;  // characters looked at
    };
    const Cost costs[] = {
        {"skill/**", 5},
        {"skills/some/group/check", path.size()},
        {"skills/some/group/checks", path.size()},
        {std::string(4000, '*') + "x", 3 * path.size()},
        {std::string(4000, '?'), path.size() * path.size()},
        {letters, path.size() * path.size()},
        {folders + "x", 3 * path.size()},
    };
    for (const Cost& one : costs) {
      CAPTURE(one.pattern.substr(0, 40));
      const hosts::PatternMatch match = hosts::pi::PathMatches(one.pattern, path);
      CHECK(match.steps > 0);
      CHECK(match.steps <= one.most);
    }
  }

  TEST_CASE("pi: patterns that begin in one folder look into it once") {
    // What cannot be walked is a problem of each walk.
    const testing::TempDir dir;
    const std::string package = ".pi/agent/npm/node_modules/kit";
    std::filesystem::create_directories(dir / (package + "/skills"));
    std::filesystem::create_directory_symlink("gone", dir / (package + "/skills/one"));
    std::string entries = "\"!x\"";
    for (int i = 0; i < 200; ++i) entries += R"(, "skills/a*)" + std::to_string(i) + "\"";
    dir.Write(package + "/package.json", R"({"pi": {"skills": [)" + entries + "]}}");
    dir.Write(".pi/agent/settings.json", R"({"packages": ["npm:kit", "npm:kit@1"]})");
    std::vector<skillfs::DiscoveryProblem> problems;
    CHECK(hosts::pi::NamedSkillRoots(
              {.home = dir.path(), .config_dir = dir / ".pi/agent", .project_dirs = {}}, problems)
              .empty());
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].path == dir / (package + "/skills/one"));
  }

  TEST_CASE("pi: a manifest sends nobody through folders outside") {
    // What cannot be walked is a problem of each walk.
    const testing::TempDir dir;
    const std::string package = ".pi/agent/npm/node_modules/kit";
    std::filesystem::create_directories(dir / "outside");
    std::filesystem::create_directory_symlink("gone", dir / "outside/one");
    dir.Write(package + "/package.json",
              R"({"pi": {"skills": ["../../../../../outside/*", "!x"]}})");
    dir.Write(".pi/agent/settings.json", R"({"packages": ["npm:kit"]})");
    std::vector<skillfs::DiscoveryProblem> problems;
    CHECK(hosts::pi::NamedSkillRoots(
              {.home = dir.path(), .config_dir = dir / ".pi/agent", .project_dirs = {}}, problems)
              .empty());
    CHECK(problems.empty());
  }

  TEST_CASE("pi: what a link in a package leads to is not the package's") {
    const Machine machine;
    const std::string kit = "home/.pi/agent/npm/node_modules/kit/skills/";
    machine.Skill(kit + "own");
    machine.Skill("home/shelf/linked");
    machine.Link("home/shelf/linked", kit + "linked");
    machine.Write({"home/.pi/agent/settings.json", R"({"packages": ["npm:kit"]})"});
    // With the folder that they lie in, each by itself, or by a pattern.
    for (const char* entries : {R"("skills")", R"("skills/linked", "skills/own")", R"("skills/*")",
                                R"("skills", "!x")"}) {
      CAPTURE(entries);
      machine.Write({"home/.pi/agent/npm/node_modules/kit/package.json",
                     std::string(R"({"pi": {"skills": [)") + entries + "]}}"});
      CHECK(machine.Told(machine.Find("pi")) ==
            named_roots::Lines{kit + "linked: linked global", kit + "own: own system of npm:kit"});
    }
  }

  TEST_CASE("pi: patterns and filters") {
    struct Pattern {
      const char* pattern;
      const char* path;
      bool matches;
    };
    const Pattern patterns[] = {
        {"skills/*", "skills/one", true},
        {"skills/*", "skills/a/one", false},
        {"skills/**", "skills/a/one", true},
        {"**/one", "one", true},
        {"**/one", "a/b/one", true},
        {"**/one", "a/none", false},
        {"skills/on?", "skills/one", true},
        {"skills/on?", "skills/on/", false},
        {"skills/**/x", "skills/x", true},
        {"s*/o*e", "skills/one", true},
        {"", "", true},
        {"one", "ones", false},
    };
    for (const Pattern& one : patterns) {
      CAPTURE(one.pattern);
      CAPTURE(one.path);
      CHECK(hosts::pi::PathMatches(one.pattern, one.path).holds == one.matches);
    }
    hosts::Effort effort;
    const hosts::pi::SkillFolder skill{"skills/one", "/kit/skills/one"};
    const auto lets_in = [&](const std::vector<std::string>& words) {
      return hosts::pi::LetsIn(words, skill, effort);
    };
    CHECK(lets_in({}));
    CHECK(lets_in({"one"}));
    CHECK_FALSE(lets_in({"two"}));
    CHECK_FALSE(lets_in({"!one"}));
    CHECK_FALSE(lets_in({"!/kit/**"}));
    CHECK(lets_in({"!one", "+skills/one"}));
    CHECK(lets_in({"!one", "+./skills/one/SKILL.md"}));
    CHECK(lets_in({"!one", "+/kit/skills/one"}));
    CHECK_FALSE(lets_in({"+skills/one", "-skills/one"}));
    CHECK(lets_in({"-one"}));  // an exact path, not a name
  }
}

}  // namespace
}  // namespace selftune
