// Which skills settings of a host switch off, and where.
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "fake_machine.h"

namespace selftune::skillfs {
namespace {

using testing::FakeMachine;

TEST_SUITE("skillfs/switched off") {
  TEST_CASE("settings switch a skill off: everywhere, or in the project that they belong to") {
    struct Case {
      const char* name;
      const char* platform;
      const char* skill;  // its folder
      std::vector<std::pair<const char*, const char*>> files;
      const char* everywhere;  // the file that switches it off, "" = none does
      const char* in_project;  // where it is otherwise: the file that says so
      const char* there = "repo/src";
    };
    const char* const own = "home/.gemini/settings.json";
    const char* const project = "repo/src/.gemini/settings.json";
    const char* const claude = "home/.claude/settings.json";
    const char* const codex = "home/.codex/config.toml";
    const char* const qwen = "home/.qwen/settings.json";
    const char* const off = R"({"skills": {"disabled": ["pdf"]}})";
    const Case cases[] = {
        {"no settings", "gemini", "home/.gemini/skills/pdf", {}, "", ""},
        {"of the person", "gemini", "home/.gemini/skills/pdf", {{own, off}}, own, ""},
        {"with comments",
         "gemini",
         "home/.gemini/skills/pdf",
         {{own, "// mine\n{\"skills\": {\"disabled\": [\"PDF\"]}}"}},
         own,
         ""},
        {"of a project", "gemini", "home/.gemini/skills/pdf", {{project, off}}, "", project},
        {"of the folder of the project that it is in",
         "gemini",
         "repo/src/.gemini/skills/pdf",
         {{project, off}},
         "",
         project},
        {"of a folder above the session, where that host does not look",
         "gemini",
         "home/.gemini/skills/pdf",
         {{"repo/.gemini/settings.json", off}},
         "",
         ""},
        {"of one where this host looks",
         "opencode",
         "home/.agents/skills/pdf",
         {{"repo/opencode.json", R"({"permission": {"skill": {"pdf": "deny"}}})"}},
         "",
         "repo/opencode.json",
         "repo"},
        {"of the home's own folder, which that host reads last",
         "opencode",
         "home/.agents/skills/pdf",
         {{"home/.opencode/opencode.jsonc", R"({"permission": {"skill": {"pdf": "deny"}}})"}},
         "home/.opencode/opencode.jsonc",
         ""},
        {"of the folder above the repository, where it does not look",
         "opencode",
         "home/.agents/skills/pdf",
         {{"opencode.json", R"({"permission": {"skill": {"pdf": "deny"}}})"}},
         "",
         ""},
        {"all of them at once",
         "gemini",
         "home/.gemini/skills/pdf",
         {{own, R"({"skills": {"enabled": false}})"}},
         own,
         ""},
        {"none of them",
         "gemini",
         "home/.gemini/skills/pdf",
         {{own, R"({"skills": {"enabled": true}, "admin": {"skills": {"enabled": false}}})"}},
         "",
         ""},
        {"of another host", "qwen", "home/.qwen/skills/pdf", {{own, off}}, "", ""},
        {"of other skills",
         "gemini",
         "home/.gemini/skills/pdf",
         {{own, R"({"skills": {"disabled": ["pd", "pdfs", "p*"]}, "disabled": ["pdf"]})"}},
         "",
         ""},
        {"the last pattern counts",
         "opencode",
         "home/.agents/skills/pdf",
         {{"home/.config/opencode/opencode.json",
           R"({"permission": {"skill": {"*": "deny", "p*f": "allow"}}})"}},
         "",
         ""},
        {"one word for all",
         "opencode",
         "home/.agents/skills/pdf",
         {{"home/.config/opencode/opencode.json", R"({"permission": {"skill": "deny"}})"}},
         "home/.config/opencode/opencode.json",
         ""},
        {"name only is listed",
         "claude_code",
         "home/.claude/skills/pdf",
         {{"home/.claude/settings.json", R"({"skillOverrides": {"pdf": "name-only"}})"}},
         "",
         ""},
        {"on again in a project",
         "claude_code",
         "home/.claude/skills/pdf",
         {{claude, R"({"skillOverrides": {"pdf": "off"}})"},
          {"repo/src/.claude/settings.json", R"({"skillOverrides": {"pdf": "name-only"}})"}},
         claude,
         "repo/src/.claude/settings.json"},
        {"on again by the local file of the project that has it off",
         "claude_code",
         "home/.claude/skills/pdf",
         {{"repo/src/.claude/settings.json", R"({"skillOverrides": {"pdf": "off"}})"},
          {"repo/src/.claude/settings.local.json", R"({"skillOverrides": {"pdf": "on"}})"}},
         "",
         ""},
        {"that agent has no patterns, and case matters",
         "claude_code",
         "home/.claude/skills/pdf",
         {{claude, R"({"skillOverrides": {"*": "off", "p*": "off", "PDF": "off"}})"}},
         "",
         ""},
        {"a list of a project takes nothing from the person's",
         "gemini",
         "home/.gemini/skills/pdf",
         {{own, off}, {project, R"({"skills": {"disabled": [], "enabled": true}})"}},
         own,
         ""},
        {"a flag of a project takes the place of the person's",
         "gemini",
         "home/.gemini/skills/pdf",
         {{own, R"({"skills": {"enabled": false}})"},
          {project, R"({"skills": {"enabled": true}})"}},
         own,
         project},
        {"and lists count against it",
         "gemini",
         "home/.gemini/skills/pdf",
         {{own, R"({"skills": {"enabled": false, "disabled": ["pdf"]}})"},
          {project, R"({"skills": {"enabled": true}})"}},
         own,
         ""},
        {"what is off by default a project may switch on",
         "qwen",
         "home/.qwen/skills/pdf",
         {{qwen, R"({"skills": {"defaultDisabled": ["pdf"]}})"},
          {"repo/src/.qwen/settings.json", R"({"skills": {"enabled": ["pdf"]}})"}},
         qwen,
         "repo/src/.qwen/settings.json"},
        {"and not switch off what the person switched on",
         "qwen",
         "home/.qwen/skills/pdf",
         {{qwen, R"({"skills": {"enabled": ["pdf"]}})"},
          {"repo/src/.qwen/settings.json", R"({"skills": {"defaultDisabled": ["pdf"]}})"}},
         "",
         ""},
        {"what is off is off",
         "qwen",
         "home/.qwen/skills/pdf",
         {{qwen, R"({"skills": {"disabled": ["pdf"]}})"},
          {"repo/src/.qwen/settings.json", R"({"skills": {"enabled": ["pdf"], "disabled": []}})"}},
         qwen,
         ""},
        {"a level too",
         "qwen",
         "home/.qwen/skills/pdf",
         {{qwen, R"({"skills": {"disabledLevels": ["user"]}})"},
          {"repo/src/.qwen/settings.json",
           R"({"skills": {"enabled": ["pdf"], "disabledLevels": []}})"}},
         qwen,
         ""},
        {"no project says anything to codex",
         "codex",
         "home/.codex/skills/pdf",
         {{codex, "[[skills.config]]\nname = \"pdf\"\nenabled = false\n"},
          {"repo/.codex/config.toml", "[[skills.config]]\nname = \"pdf\"\nenabled = true\n"}},
         codex,
         ""},
        {"nor to copilot, whose list is the person's",
         "copilot",
         "home/.copilot/skills/pdf",
         {{"home/.copilot/settings.json", R"({"disabledSkills": ["pdf", "DOCX"]})"},
          {"repo/src/.github/copilot/settings.json", R"({"disabledSkills": []})"}},
         "home/.copilot/settings.json",
         ""},
        {"in which case matters",
         "copilot",
         "home/.copilot/skills/pdf",
         {{"home/.copilot/settings.json", R"({"disabledSkills": ["PDF", "p*"]})"}},
         "",
         ""},
        {"on again by a word of a folder in between",
         "opencode",
         "home/.agents/skills/pdf",
         {{"home/.config/opencode/opencode.json", R"({"permission": {"skill": {"pdf": "deny"}}})"},
          {"repo/opencode.json", R"({"permission": {"skill": {"pdf": "ask"}}})"}},
         "home/.config/opencode/opencode.json",
         "repo/opencode.json",
         "repo"},
        {"a local file of a project",
         "claude_code",
         "home/.claude/skills/pdf",
         {{"repo/src/.claude/settings.local.json",
           R"({"skillOverrides": {"pdf": "user-invocable-only"}})"}},
         "",
         "repo/src/.claude/settings.local.json"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      FakeMachine machine;
      machine.Dir("repo/.git");
      machine.Dir("repo/src");
      machine.Skill(c.skill, "pdf");
      for (const auto& [path, bytes] : c.files) machine.File(path, bytes);
      const Discovery found = machine.Find(c.platform, {"repo/src"});
      REQUIRE(found.skills.size() == 1);
      CHECK(found.problems.empty());
      const Switches& said = found.skills[0].placements[0].switches;
      const std::string everywhere = c.everywhere;
      CHECK(said.disabled_by == (everywhere.empty() ? "" : machine.Path(everywhere)));
      CHECK(said.unknown_by.empty());
      const std::string in_project = c.in_project;
      REQUIRE(said.in_projects.size() == (in_project.empty() ? 0 : 1));
      if (said.in_projects.empty()) continue;
      CHECK(said.in_projects[0].settings == machine.Path(in_project));
      CHECK(said.in_projects[0].project_root == machine.Path(c.there));
      CHECK(said.in_projects[0].state ==
            (everywhere.empty() ? SwitchState::kOff : SwitchState::kOn));
    }
  }

  TEST_CASE("opencode: of a session in no repository all files above count") {
    const char* const off = R"({"permission": {"skill": {"pdf": "deny"}}})";
    for (const char* file : {"opencode.json", "work/opencode.jsonc", "work/.opencode/opencode.json",
                             "work/plain/opencode.json"}) {
      CAPTURE(file);
      FakeMachine machine;
      machine.Dir("work/plain/deep");
      machine.Dir("work/repo/.git");
      machine.Skill("home/.agents/skills/pdf", "pdf");
      machine.File(file, off);
      const Discovery found = machine.Find("opencode", {"work/plain/deep", "work/repo"});
      REQUIRE(found.skills.size() == 1);
      const Switches& said = found.skills[0].placements[0].switches;
      CHECK(said.disabled_by.empty());
      REQUIRE(said.in_projects.size() == 1);
      CHECK(said.In(machine.Path("work/plain/deep")).settings == machine.Path(file));
      CHECK(said.In(machine.Path("work/repo")).state == SwitchState::kOn);
    }
  }

  TEST_CASE("settings that cannot be understood are a problem, once") {
    FakeMachine machine;
    machine.Skill("home/.gemini/skills/pdf", "pdf");
    machine.File("home/.gemini/settings.json", "{\"skills\": {");
    const Discovery found = machine.Find("gemini");
    REQUIRE(found.problems.size() == 1);
    CHECK(found.problems[0].code == "SETTINGS_INVALID");
    CHECK(found.problems[0].path == machine.Path("home/.gemini/settings.json"));
    CHECK(found.skills.size() == 1);
  }
}

}  // namespace
}  // namespace selftune::skillfs
