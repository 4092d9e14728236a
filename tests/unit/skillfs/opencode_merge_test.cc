// OpenCode puts the settings of a session together key by key.
#include <initializer_list>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "hosts/skill_switches.h"
#include "named_roots_machine.h"
#include "skillfs/skill_rules.h"

namespace selftune {
namespace {

using named_roots::File;
using named_roots::Lines;
using named_roots::Machine;

constexpr const char* kSkill = "home/.config/opencode/skills/pdf";
constexpr const char* kPersons = "home/.config/opencode/opencode.json";
constexpr const char* kRepo = "repo/opencode.json";
constexpr const char* kSrc = "repo/src/opencode.json";

// What stands for skills in one file.
File Skills(const char* path, const std::string& words) {
  return {path, R"({"permission": {"skill": )" + words + "}}"};
}

TEST_SUITE("skillfs/opencode merge") {
  TEST_CASE("a key stays where it stood first, and has what the last file says") {
    const std::string pdf = std::string(kSkill) + ": pdf global";
    const auto off = [](const char* file) { return std::string(", off by ") + file; };
    const auto in = [](const char* state, const char* folder, const char* file) {
      return std::string(", ") + state + " in " + folder + " by " + file;
    };
    const char* const deny_all = R"({"*": "deny"})";
    const char* const dotted = "repo/.opencode/opencode.json";
    const char* const src_dotted = "repo/src/.opencode/opencode.json";
    const char* const home = "home/.opencode/opencode.json";
    named_roots::CheckAll({
        {"a general word of a project before the person's own",
         "opencode",
         {kSkill},
         {Skills(kPersons, R"({"*": "ask", "pdf": "allow"})"), Skills(kRepo, deny_all)},
         {pdf}},
        {"behind it, where the person has none",
         "opencode",
         {kSkill},
         {Skills(kPersons, R"({"pdf": "allow"})"), Skills(kRepo, deny_all)},
         {pdf + in("off", "repo", kRepo)}},
        {"another word for the same key",
         "opencode",
         {kSkill},
         {Skills(kPersons, R"({"pdf": "deny", "x*": "ask"})"), Skills(kRepo, R"({"pdf": "ask"})")},
         {pdf + off(kPersons) + in("on", "repo", kRepo)}},
        {"a word takes the place of an object",
         "opencode",
         {kSkill},
         {Skills(kPersons, R"({"pdf": "deny"})"), Skills(kRepo, R"("ask")")},
         {pdf + off(kPersons) + in("on", "repo", kRepo)}},
        {"and an object that of a word, though it says nothing of the skill",
         "opencode",
         {kSkill},
         {Skills(kPersons, R"("deny")"), Skills(kRepo, R"({"docx": "deny"})")},
         {pdf + off(kPersons) + in("on", "repo", kRepo)}},
        {"a word for all tools is one for `*`",
         "opencode",
         {kSkill},
         {{kPersons, R"({"permission": "deny"})"}, Skills(kRepo, R"({"pdf": "allow"})")},
         {pdf + off(kPersons) + in("on", "repo", kRepo)}},
        {"it comes behind where it was not said before",
         "opencode",
         {kSkill},
         {Skills(kPersons, R"({"pdf": "allow"})"), {kRepo, R"({"permission": "deny"})"}},
         {pdf + in("off", "repo", kRepo)}},
        {"other keys of a nearer folder leave it as it is",
         "opencode",
         {kSkill},
         {Skills(kRepo, deny_all), Skills(kSrc, R"({"docx": "ask"})")},
         {pdf + in("off", "repo", kRepo)}},
        {"of plain files the nearest is taken last",
         "opencode",
         {kSkill},
         {Skills(kRepo, deny_all), Skills(kSrc, R"({"*": "allow"})")},
         {pdf + in("off", "repo", kRepo) + in("on", "repo/src", kSrc)}},
        {"before any of `.opencode`",
         "opencode",
         {kSkill},
         {Skills(kSrc, deny_all), Skills(dotted, R"({"*": "allow"})")},
         {pdf}},
        {"of those the one farthest up",
         "opencode",
         {kSkill},
         {Skills(src_dotted, R"({"*": "allow"})"), Skills(dotted, deny_all)},
         {pdf + in("off", "repo", dotted)}},
        {"last that of the home",
         "opencode",
         {kSkill},
         {Skills(dotted, R"({"*": "allow"})"), Skills(home, deny_all)},
         {pdf + off(home)}},
        {"and plain ones with comments behind those without",
         "opencode",
         {kSkill},
         {Skills("repo/opencode.jsonc", R"({"*": "allow"})"), Skills(kRepo, deny_all)},
         {pdf}},
        {"old flags are put together, and stand before",
         "opencode",
         {kSkill},
         {{kPersons, R"({"tools": {"*": false, "skill": true}})"},
          {kRepo, R"({"tools": {"*": false}})"}},
         {pdf}},
        {"what stands under the same key takes their place",
         "opencode",
         {kSkill},
         {{kPersons, R"({"tools": {"skill": false}})"}, Skills(kRepo, R"({"docx": "deny"})")},
         {pdf + off(kPersons) + in("on", "repo", kRepo)}},
        {"a sign",
         "opencode",
         {kSkill},
         {Skills(kPersons, R"({"p?f": "deny"})")},
         {pdf + off(kPersons)}},
        {"which is one sign", "opencode", {kSkill}, {Skills(kPersons, R"({"p?": "deny"})")}, {pdf}},
        {"a blank and a star at the end are nothing, too",
         "opencode",
         {kSkill},
         {Skills(kPersons, R"({"pdf *": "deny"})")},
         {pdf + off(kPersons)}},
        {"case matters", "opencode", {kSkill}, {Skills(kPersons, R"({"PDF": "deny"})")}, {pdf}},
    });
  }

  TEST_CASE("what stands in a file that is not understood is not known, nor what it takes back") {
    const std::string pdf = std::string(kSkill) + ": pdf global";
    const auto told = [](std::initializer_list<File> files) {
      const Machine machine;
      machine.Skill(kSkill);
      for (const File& file : files) machine.Write(file);
      return machine.Told(machine.Find("opencode"));
    };
    CHECK(told({Skills(kPersons, R"({"pdf": "deny"})"), {kRepo, "{"}}) ==
          Lines{pdf + ", off by " + kPersons + ", unknown in repo by " + kRepo});
    CHECK(told({{kPersons, "{"}, Skills(kRepo, R"({"pdf": "deny"})")}) ==
          Lines{pdf + ", unknown by " + kPersons + ", off in repo by " + kRepo});
    CHECK(told({Skills(kRepo, R"({"pdf": "deny", "docx": 3})")}) ==
          Lines{pdf + ", off in repo by " + kRepo});
    CHECK(told({Skills(kRepo, R"({"docx": 3})")}) == Lines{pdf + ", unknown in repo by " + kRepo});
  }

  TEST_CASE("files of projects times what stands in them have an end, and nobody guesses then") {
    std::string words = "\"*\": \"allow\"";
    for (int i = 0; i < 2'000; ++i) words += ", \"skill-" + std::to_string(i) + "\": \"deny\"";
    const testing::TempDir dir;
    dir.Write("home/.config/opencode/opencode.json",
              R"({"permission": {"skill": {)" + words + "}}}");
    std::vector<std::string> dirs;
    for (int i = 0; i < 1000; ++i) {
      dirs.push_back(dir / ("srv/" + std::to_string(i)));
      dir.Write("srv/" + std::to_string(i) + "/opencode.json", "{}");
    }
    std::vector<std::vector<std::string>> folders;
    for (const std::string& one : dirs) folders.push_back({one});
    std::vector<skillfs::DiscoveryProblem> problems;
    skillfs::SkillRules rules(hosts::ReadSkillRules("opencode",
                                                    {.home = dir / "home",
                                                     .config_dir = dir / "home/.config/opencode",
                                                     .project_dirs = dirs,
                                                     .project_folders = folders},
                                                    problems));
    skillfs::SkillPlacement placement;
    placement.name = "skill-7";
    const skillfs::Switches said = rules.Of("/skills/skill-7/SKILL.md", placement);
    CHECK(said.disabled_by == dir / "home/.config/opencode/opencode.json");
    CHECK(said.In(dirs.front()).state == skillfs::SwitchState::kOff);
    size_t unknown = 0;
    for (const auto& in : said.in_projects) {
      unknown += in.state == skillfs::SwitchState::kUnknown ? 1 : 0;
    }
    CHECK(unknown == said.in_projects.size());
    CHECK(unknown > 100);
    CHECK(unknown < 1000);
    CHECK(named_roots::Codes(problems) == Lines{"TOO_MANY_ENTRIES"});
  }
}

}  // namespace
}  // namespace selftune
