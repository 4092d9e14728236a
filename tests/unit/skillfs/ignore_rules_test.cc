// Skills that files like `.gitignore` hide. What is expected was told by Pi 0.87.1 itself, given
// the same folders (`loadSkillsFromDir`).
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "named_roots_machine.h"
#include "skillfs/ignore_rules.h"
#include "skillfs/skill_walk.h"
#include "support/temp_dir.h"

namespace selftune::skillfs {
namespace {

using Lines = std::vector<std::string>;

Lines Found(const testing::TempDir& dir, bool ignore_files) {
  const SkillWalk walk = WalkSkills(dir.path(), {.depth = kAnyDepth,
                                                 .root_too = true,
                                                 .single_files = SingleFiles::kInRoot,
                                                 .ignore_files = ignore_files});
  CHECK(walk.problems.empty());
  Lines out;
  for (const FoundSkillFile& file : walk.files) {
    out.push_back(file.path.substr(dir.path().size() + 1));
  }
  std::ranges::sort(out);
  return out;
}

TEST_SUITE("skillfs/ignore rules") {
  TEST_CASE("pi: skills that rules hide") {
    struct Case {
      const char* name;
      std::vector<std::pair<const char*, const char*>> files;
      Lines hidden;
    };
    const Lines all = {"group/one/SKILL.md", "group/three/SKILL.md", "note.md", "one/SKILL.md",
                       "two/SKILL.md"};
    const Case cases[] = {
        {"no rules", {}, {}},
        {"a name, at any depth", {{".gitignore", "one\n"}}, {"group/one/SKILL.md", "one/SKILL.md"}},
        {"a name with a slash behind it is a folder",
         {{".gitignore", "one/\nnote.md/\n"}},
         {"group/one/SKILL.md", "one/SKILL.md"}},
        {"a slash at the beginning means nothing",
         {{".gitignore", "/one\n"}},
         {"group/one/SKILL.md", "one/SKILL.md"}},
        {"a path is from the root", {{".gitignore", "group/one\n"}}, {"group/one/SKILL.md"}},
        {"a path from elsewhere", {{".gitignore", "x/one\n"}}, {}},
        {"behind a mark of byte order",
         {{".gitignore", "\xef\xbb\xbfone\n"}},
         {"group/one/SKILL.md", "one/SKILL.md"}},
        {"a backslash before a slash", {{".gitignore", "group\\/one\n"}}, {"group/one/SKILL.md"}},
        {"a backslash before the last slash",
         {{".gitignore", "one\\/\n"}},
         {"group/one/SKILL.md", "one/SKILL.md"}},
        {"a single file",
         {{".gitignore", "*.md\n"}},
         {"group/one/SKILL.md", "group/three/SKILL.md", "note.md", "one/SKILL.md", "two/SKILL.md"}},
        {"all, but for one that is taken back",
         {{".gitignore", "*\n!two\n"}},
         {"group/one/SKILL.md", "group/three/SKILL.md", "note.md", "one/SKILL.md", "two/SKILL.md"}},
        {"all, but for one and what lies in it",
         {{".gitignore", "*\n!two\n!two/SKILL.md\n"}},
         {"group/one/SKILL.md", "group/three/SKILL.md", "note.md", "one/SKILL.md"}},
        {"what is in a folder that is passed over stays so",
         {{".gitignore", "group\n!group/one\n!group/one/SKILL.md\n"}},
         {"group/one/SKILL.md", "group/three/SKILL.md"}},
        {"the last rule counts", {{".gitignore", "!one\none\n!one\n"}}, {}},
        {"a SKILL.md is a file, too",
         {{".gitignore", "group/three/SKILL.md\n"}},
         {"group/three/SKILL.md"}},
        {"stars within a name", {{".gitignore", "t*\n"}}, {"group/three/SKILL.md", "two/SKILL.md"}},
        {"stars for folders", {{".gitignore", "**/three\n"}}, {"group/three/SKILL.md"}},
        {"stars for folders in the middle",
         {{".gitignore", "group/**/SKILL.md\n"}},
         {"group/one/SKILL.md", "group/three/SKILL.md"}},
        {"stars at the end",
         {{".gitignore", "group/**\n"}},
         {"group/one/SKILL.md", "group/three/SKILL.md"}},
        {"a sign", {{".gitignore", "t?o\n"}}, {"two/SKILL.md"}},
        {"some signs", {{".gitignore", "[n-p]ne\n"}}, {"group/one/SKILL.md", "one/SKILL.md"}},
        {"none of some signs",
         {{".gitignore", "[!o]*/\n"}},
         {"group/one/SKILL.md", "group/three/SKILL.md", "two/SKILL.md"}},
        {"a class of signs", {{".gitignore", "tw[[:alpha:]]\n"}}, {"two/SKILL.md"}},
        {"an unknown class", {{".gitignore", "tw[[:none:]]\n"}}, {}},
        {"brackets without an end", {{".gitignore", "tw[o\n"}}, {}},
        {"case", {{".gitignore", "ONE\n"}}, {"group/one/SKILL.md", "one/SKILL.md"}},
        {"comments, blank lines and line ends of Windows",
         {{".gitignore", "# two\n\n  \none\r\n"}},
         {"group/one/SKILL.md", "one/SKILL.md"}},
        {"blanks at the end", {{".gitignore", "one  \n"}}, {"group/one/SKILL.md", "one/SKILL.md"}},
        {"a blank at the beginning", {{".gitignore", " one\n"}}, {}},
        {"a sign that means nothing special",
         {{".gitignore", "\\one\n"}},
         {"group/one/SKILL.md", "one/SKILL.md"}},
        {"a backslash at the end", {{".gitignore", "one\\\n"}}, {}},
        {"the other files",
         {{".ignore", "one\n"}, {".fdignore", "two\n"}},
         {"group/one/SKILL.md", "one/SKILL.md", "two/SKILL.md"}},
        {"in the order of the three", {{".fdignore", "!one\n"}, {".gitignore", "one\n"}}, {}},
        {"a file in a folder", {{"group/.ignore", "one\n"}}, {"group/one/SKILL.md"}},
        {"a path in a folder", {{"group/.ignore", "/three\n"}}, {"group/three/SKILL.md"}},
        {"a folder takes back", {{".gitignore", "three\n"}, {"group/.ignore", "!three\n"}}, {}},
        {"all of a folder",
         {{"group/.ignore", "*\n"}},
         {"group/one/SKILL.md", "group/three/SKILL.md"}},
        {"a folder about itself", {{"one/.gitignore", "SKILL.md\n"}}, {"one/SKILL.md"}},
        {"a dot", {{".gitignore", ".\n"}}, {}},
        {"slash alone", {{".gitignore", "/\n"}}, {}},
        {"escaped hash", {{".gitignore", "\\#x\none\n"}}, {"group/one/SKILL.md", "one/SKILL.md"}},
        {"double stars in a name",
         {{".gitignore", "o**e\n"}},
         {"group/one/SKILL.md", "one/SKILL.md"}},
        {"star slash", {{".gitignore", "*/one\n"}}, {"group/one/SKILL.md"}},
        {"range backwards", {{".gitignore", "[p-n]ne\n"}}, {}},
        {"caret", {{".gitignore", "[^o]ne\n"}}, {}},
        {"bracket first", {{".gitignore", "[]o]ne\n"}}, {"group/one/SKILL.md", "one/SKILL.md"}},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const testing::TempDir dir;
      for (const std::string& file : all) dir.Write(file, "---\ndescription: About it.\n---\n");
      for (const auto& [path, text] : c.files) dir.Write(path, text);
      Lines want = all;
      std::erase_if(want, [&](const std::string& file) {
        return std::ranges::find(c.hidden, file) != c.hidden.end();
      });
      CHECK(Found(dir, /*ignore_files=*/true) == want);
      CHECK(Found(dir, /*ignore_files=*/false) == all);
    }
  }

  TEST_CASE("pi: a SKILL.md right in a root is a skill and ends the search, unless it is hidden") {
    const testing::TempDir dir;
    for (const char* file : {"SKILL.md", "one/SKILL.md", "note.md"}) {
      dir.Write(file, "---\ndescription: About it.\n---\n");
    }
    CHECK(Found(dir, true) == Lines{"SKILL.md"});
    dir.Write(".ignore", "/SKILL.md\n");
    CHECK(Found(dir, true) == Lines{"note.md"});
  }

  TEST_CASE("the rules of Pi hold in its own folders, and for no other agent") {
    const named_roots::Machine machine;
    machine.Skill("home/.agents/skills/pdf");
    machine.Skill("home/.agents/skills/csv");
    machine.Skill("home/.pi/agent/skills");
    machine.Skill("shelf/one");
    machine.Skill("shelf/two");
    machine.Write({"home/.agents/skills/.gitignore", "pdf\n"});
    machine.Write({"shelf/.fdignore", "*\n!two\n!two/SKILL.md\n"});
    machine.Write({"home/.pi/agent/settings.json", R"({"skills": ["~~/shelf"]})"});
    CHECK(machine.Told(machine.Find("pi")) == Lines{"home/.agents/skills/csv: csv global",
                                                    "home/.pi/agent/skills: skills global",
                                                    "shelf/two: two global"});
    CHECK(machine.Told(machine.Find("codex")) ==
          Lines{"home/.agents/skills/csv: csv global", "home/.agents/skills/pdf: pdf global"});
  }

  TEST_CASE("a rule costs what the path is long, and a file that is too long is told") {
    IgnoreRules rules(SIZE_MAX);
    std::string stars;
    while (stars.size() < 4000) stars += "*a";
    REQUIRE(rules.Add(stars + "x\n", ""));
    const std::string path(200, 'a');
    CHECK_FALSE(rules.Ignores(path, false));
    CHECK(rules.steps() <= 300 * 200);
    const testing::TempDir dir;
    dir.Write("one/SKILL.md", "---\ndescription: About it.\n---\n");
    dir.Write(".ignore", std::string(100'000, '#') + "\none\n");
    const SkillWalk walk = WalkSkills(dir.path(), {.ignore_files = true});
    CHECK(walk.files.size() == 1);
    REQUIRE(walk.problems.size() == 1);
    CHECK(walk.problems[0].path == dir / ".ignore");
  }

  TEST_CASE("what a stranger's rules cost has an end, behind which nothing is known") {
    const auto rules = [](size_t count) {
      std::string text = "*\n";
      for (size_t i = 1; i < count; ++i) text += "b\n";
      return text;
    };
    const testing::TempDir dir;
    for (int i = 0; i < 300; ++i) dir.Write("zz" + std::to_string(i) + "/SKILL.md", "x");
    dir.Write("b/SKILL.md", "x");
    struct Case {
      const char* name;
      size_t rules, most;
      const char* code;  // "" = all is looked at
    };
    for (const Case& c : {Case{"few", 10, 100, ""},
                          {"compared too often", 9'000, 100, "TOO_MANY_FOLDERS"},
                          {"too many", IgnoreRules::kMostRules + 1, 1000, "TOO_MANY_ENTRIES"}}) {
      CAPTURE(c.name);
      dir.Write(".gitignore", rules(c.rules));
      const SkillWalk walk = WalkSkills(dir.path(), {.ignore_files = true, .most = c.most});
      CHECK(walk.files.empty());
      CHECK(walk.effort <= c.most + 100);
      CHECK(walk.cut == (*c.code != '\0'));
      REQUIRE(walk.problems.size() == (*c.code == '\0' ? 0 : 1));
      if (*c.code != '\0') CHECK(walk.problems[0].code == c.code);
    }
    IgnoreRules spent(10);
    REQUIRE(spent.Add("abcdefghijkl\n", ""));
    CHECK(spent.Ignores("abcdefghijkm", false));
    CHECK(spent.exhausted());
  }

  TEST_CASE("rules are held for their folder alone, and what is no file says nothing") {
    IgnoreRules rules(SIZE_MAX);
    REQUIRE(rules.Add("one\n", ""));
    REQUIRE(rules.Add("two\n", "a"));
    CHECK(rules.size() == 2);
    CHECK(rules.Ignores("a/two", true));
    rules.Keep(1);
    CHECK_FALSE(rules.Ignores("a/two", true));
    CHECK(rules.Ignores("b/one", true));
    const testing::TempDir dir;
    dir.Write("one/SKILL.md", "x");
    REQUIRE(symlink("/dev/zero", (dir / ".ignore").c_str()) == 0);
    const SkillWalk walk = WalkSkills(dir.path(), {.ignore_files = true});
    CHECK(walk.files.size() == 1);
    REQUIRE(walk.problems.size() == 1);
    CHECK(walk.problems[0].code == "FILE_UNREADABLE");
  }
}

}  // namespace
}  // namespace selftune::skillfs
