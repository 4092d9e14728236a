// Settings that are well written, and not what the host expects there.
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "named_roots_machine.h"

namespace selftune {
namespace {

using named_roots::Lines;
using named_roots::Machine;

TEST_SUITE("skillfs/settings shapes") {
  TEST_CASE("a value of another shape is told with its key, and nobody knows what it does") {
    struct Case {
      const char* name;
      const char* platform;
      const char* skill;  // its folder
      const char* file;
      const char* bytes;
      const char* told;  // the end of what is told
      bool unknown;      // whether the skill is on
    };
    const char* const gemini = "home/.gemini/settings.json";
    const char* const claude = "home/.claude/settings.json";
    const char* const codex = "home/.codex/config.toml";
    const char* const openclaw = "home/.openclaw/openclaw.json";
    const char* const opencode = "home/.config/opencode/opencode.json";
    const char* const pi = "home/.pi/agent/settings.json";
    const char* const qwen = "home/.qwen/settings.json";
    const Case cases[] = {
        {"a list where an object leads on", "gemini", "home/.gemini/skills/pdf", gemini,
         R"({"skills": ["pdf"]})", ": skills: expected an object, found a list", true},
        {"a text in place of a list", "gemini", "home/.gemini/skills/pdf", gemini,
         R"({"skills": {"disabled": "pdf"}})", ": skills.disabled: expected a list, found a text",
         true},
        {"a text in place of a flag", "gemini", "home/.gemini/skills/pdf", gemini,
         R"({"skills": {"enabled": "no"}})", ": skills.enabled: expected a flag, found a text",
         true},
        {"an entry of a list", "gemini", "home/.gemini/skills/pdf", gemini,
         R"({"skills": {"disabled": ["x", 3]}})",
         ": an entry of skills.disabled: expected a text, found a number", true},
        {"the file itself", "claude_code", "home/.claude/skills/pdf", claude, R"(["pdf"])",
         ": expected an object, found a list", true},
        {"a list of overrides", "claude_code", "home/.claude/skills/pdf", claude,
         R"({"skillOverrides": ["pdf"]})", ": skillOverrides: expected an object, found a list",
         true},
        {"a word for all where the host takes none", "claude_code", "home/.claude/skills/pdf",
         claude, R"({"skillOverrides": "off"})",
         ": skillOverrides: expected an object, found a text", true},
        {"a flag in place of a word", "claude_code", "home/.claude/skills/pdf", claude,
         R"({"skillOverrides": {"pdf": false}})",
         ": skillOverrides.pdf: expected a text, found a flag", true},
        {"a table that is a text", "codex", "home/.codex/skills/pdf", codex, "skills = \"pdf\"\n",
         ": skills: expected a table, found a text", true},
        {"a flag that is a text", "codex", "home/.codex/skills/pdf", codex,
         "[[skills.config]]\nname = \"pdf\"\nenabled = \"no\"\n",
         ": skills.config.enabled: expected a flag, found a text", true},
        {"a name that is a number", "codex", "home/.codex/skills/pdf", codex,
         "[[skills.config]]\nname = 3\nenabled = false\n",
         ": skills.config.name: expected a text, found 3", true},
        {"a list of plain values", "codex", "home/.codex/skills/pdf", codex,
         "[skills]\nconfig = [\"pdf\"]\n",
         ": an entry of skills.config: expected a table, found a text", true},
        {"a list of lists", "codex", "home/.codex/skills/pdf", codex,
         "[skills]\nconfig = [[{name = \"pdf\", enabled = false}]]\n",
         ": an entry of skills.config: expected a table, found a list", true},
        {"a table in place of a list", "codex", "home/.codex/skills/pdf", codex,
         "[skills.config]\nname = \"pdf\"\nenabled = false\n",
         ": skills.config: expected a list, found a table", true},
        {"a list where a table leads on", "codex", "home/.codex/skills/pdf", codex, "skills = []\n",
         ": skills: expected a table, found a list", true},
        {"tables of a list where a table leads on", "codex", "home/.codex/skills/pdf", codex,
         "[[skills]]\nname = \"pdf\"\nenabled = false\n",
         ": skills: expected a table, found a list of tables", true},
        {"a flag that is a list", "codex", "home/.codex/skills/pdf", codex,
         "[[skills.config]]\nname = \"pdf\"\nenabled = [false]\n",
         ": skills.config.enabled: expected a flag, found a list", true},
        {"a list of plugins", "codex", "home/.codex/skills/pdf", codex, "plugins = [\"acme@m\"]\n",
         ": plugins: expected a table, found a list", false},
        {"plugins that are no tables", "codex", "home/.codex/skills/pdf", codex,
         "[plugins]\n\"acme@m\" = true\n", ": plugins.acme@m: expected a table, found true", false},
        {"plugins by tables of a list", "codex", "home/.codex/skills/pdf", codex,
         "[[plugins]]\nname = \"acme@m\"\nenabled = false\n",
         ": plugins: expected a table, found a list of tables", false},
        {"features by tables of a list", "codex", "home/.codex/skills/pdf", codex,
         "[[features]]\nplugins = false\n", ": features: expected a table, found a list of tables",
         false},
        {"a list of tables in one line", "codex", "home/.codex/skills/pdf", codex,
         "plugins = [{\"acme@m\" = {enabled = false}}]\n",
         ": plugins: expected a table, found a list", false},
        {"a list of permissions", "opencode", "home/.config/opencode/skills/pdf", opencode,
         R"({"permission": {"skill": ["pdf"]}})",
         ": permission.skill: expected a text or an object, found a list", true},
        {"an old flag of a tool that is a text", "opencode", "home/.config/opencode/skills/pdf",
         opencode, R"({"tools": {"skill": "no"}})", ": tools.skill: expected a flag, found a text",
         true},
        {"a number that is too large where a flag belongs", "gemini", "home/.gemini/skills/pdf",
         gemini, R"({"skills": {"enabled": 1e999}})",
         ": skills.enabled: expected a flag, found a number", true},
        {"such a number where a list belongs", "gemini", "home/.gemini/skills/pdf", gemini,
         R"({"skills": {"disabled": -1e999}})",
         ": skills.disabled: expected a list, found a number", true},
        {"such a number in a list", "qwen", "home/.qwen/skills/pdf", qwen,
         R"({"skills": {"disabled": [1e999]}})",
         ": an entry of skills.disabled: expected a text, found a number", true},
        {"a number that JSON5 alone has", "openclaw", "home/.openclaw/skills/pdf", openclaw,
         "{skills: {entries: {pdf: {enabled: +Infinity}}}}",
         ": skills.entries.pdf.enabled: expected a flag, found a number", true},
        {"a path list that is a number", "opencode", "home/.config/opencode/skills/pdf", opencode,
         R"({"skills": {"paths": 3}})", ": skills.paths: expected a list, found a number", false},
        {"entries that are a list", "openclaw", "home/.openclaw/skills/pdf", openclaw,
         R"({"skills": {"entries": ["pdf"]}})",
         ": skills.entries: expected an object, found a list", true},
        {"an agent's list that is a text", "openclaw", "home/.openclaw/skills/pdf", openclaw,
         R"({"agents": {"list": [{"id": "main", "skills": "docx"}]}})",
         ": skills: expected a list, found a text", true},
        {"a folder that is relative to nobody knows what", "openclaw", "home/.openclaw/skills/pdf",
         openclaw, R"({"skills": {"load": {"extraDirs": ["shelf"]}}})",
         ": skills.load.extraDirs: expected absolute folders, or such with ~, found shelf, which "
         "lies where the gateway was started",
         false},
        {"words that are a text", "pi", "home/.pi/agent/skills/pdf", pi, R"({"skills": "!pdf"})",
         ": skills: expected a list, found a text", true},
        {"packages by name", "pi", "home/.pi/agent/skills/pdf", pi,
         R"({"packages": {"npm:kit": true}})", ": packages: expected a list, found an object",
         false},
        {"a filter that is a text", "pi", "home/.pi/agent/skills/pdf", pi,
         R"({"packages": [{"source": "npm:kit", "skills": "one"}]})",
         ": skills: expected a list, found a text", false},
        {"levels that are a text", "qwen", "home/.qwen/skills/pdf", qwen,
         R"({"skills": {"disabledLevels": "user"}})",
         ": skills.disabledLevels: expected a list, found a text", true},
        {"folders that are a text", "qwen", "home/.qwen/skills/pdf", qwen,
         R"({"skills": {"directories": "~/x"}})",
         ": skills.directories: expected a list, found a text", false},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const Machine machine;
      machine.Skill(c.skill);
      machine.Write({c.file, c.bytes});
      const skillfs::Discovery found = machine.Find(c.platform);
      REQUIRE(found.problems.size() == 1);
      CHECK(found.problems[0].code == "SETTINGS_INVALID");
      CHECK(found.problems[0].settings);
      CHECK(machine.Short(found.problems[0].path) == c.file);
      CAPTURE(found.problems[0].message);
      CHECK(found.problems[0].message.ends_with(std::string(c.file) + c.told));
      const std::string line = std::string(c.skill) + ": pdf global";
      CHECK(machine.Told(found) == Lines{c.unknown ? line + ", unknown by " + c.file : line});
    }
  }

  TEST_CASE("what another part of the file switches off is off for certain") {
    const char* const file = "home/.gemini/settings.json";
    const Machine machine;
    machine.Skill("home/.gemini/skills/pdf");
    machine.Skill("home/.gemini/skills/docx");
    machine.Write({file, R"({"skills": {"disabled": ["pdf", {}]}})"});
    CHECK(machine.Told(machine.Find("gemini")) ==
          Lines{"home/.gemini/skills/docx: docx global, unknown by home/.gemini/settings.json",
                "home/.gemini/skills/pdf: pdf global, off by home/.gemini/settings.json"});
  }

  TEST_CASE("two mistakes of a file do not make up for each other") {
    const char* const file = "home/.qwen/settings.json";
    const char* const skill = "home/.qwen/skills/pdf";
    for (const char* settings :
         {R"({"skills": {"disabled": "pdf"}})",
          R"({"skills": {"defaultDisabled": 5, "enabled": ["pdf"], "disabled": "pdf"}})",
          R"({"skills": {"disabled": "pdf", "disabledLevels": "user"}})",
          R"({"skills": {"disabledLevels": "user", "directories": 3}})"}) {
      CAPTURE(settings);
      const Machine machine;
      machine.Skill(skill);
      machine.Write({file, settings});
      CHECK(machine.Told(machine.Find("qwen")) ==
            Lines{std::string(skill) + ": pdf global, unknown by " + file});
    }
  }

  TEST_CASE("a file of mistakes tells some of them, and no more of each than a person reads") {
    const char* const file = "home/.claude/settings.json";
    std::string overrides = "\"" + std::string(100'000, 'x') + "\": 1";
    for (int i = 0; i < 5'000; ++i) overrides += ", \"skill-" + std::to_string(i) + "\": 1";
    const Machine machine;
    machine.Skill("home/.claude/skills/pdf");
    machine.Write({file, R"({"skillOverrides": {)" + overrides + "}}"});
    const skillfs::Discovery found = machine.Find("claude_code");
    REQUIRE(found.problems.size() == 20);
    for (const auto& problem : found.problems) CHECK(problem.message.size() < 500);
    CHECK(found.problems.back().message.ends_with("; more of it is not told"));
    CHECK(machine.Told(found) ==
          Lines{std::string("home/.claude/skills/pdf: pdf global, unknown by ") + file});
  }

  TEST_CASE("one word may stand for all permissions, and null for nothing") {
    const char* const file = "home/.config/opencode/opencode.json";
    const char* const skill = "home/.config/opencode/skills/pdf";
    named_roots::CheckAll({
        {"for all tools",
         "opencode",
         {skill},
         {{file, R"({"permission": "deny"})"}},
         {std::string(skill) + ": pdf global, off by " + file}},
        {"for skills",
         "opencode",
         {skill},
         {{file, R"({"permission": {"skill": "deny"}})"}},
         {std::string(skill) + ": pdf global, off by " + file}},
        {"for every tool by its pattern",
         "opencode",
         {skill},
         {{file, R"({"permission": {"bash": "allow", "*": "deny"}})"}},
         {std::string(skill) + ": pdf global, off by " + file}},
        {"for some tools, this one among them",
         "opencode",
         {skill},
         {{file, R"({"permission": {"sk?l*": {"*": "deny"}, "*read": "allow"}})"}},
         {std::string(skill) + ": pdf global, off by " + file}},
        {"for all but this one, which is said later",
         "opencode",
         {skill},
         {{file, R"({"permission": {"*": "deny", "skill": {"p*": "allow"}}})"}},
         {std::string(skill) + ": pdf global"}},
        {"for this one, and later for all",
         "opencode",
         {skill},
         {{file, R"({"permission": {"skill": {"pdf": "allow"}, "*": {"*": "deny"}}})"}},
         {std::string(skill) + ": pdf global, off by " + file}},
        {"for other tools",
         "opencode",
         {skill},
         {{file, R"({"permission": {"skil": "deny", "skill?": "deny", "Skill": "deny"}})"}},
         {std::string(skill) + ": pdf global"}},
        {"as old releases had it",
         "opencode",
         {skill},
         {{file, R"({"tools": {"*": true, "skill": false}})"}},
         {std::string(skill) + ": pdf global, off by " + file}},
        {"which counts for less, wherever it stands",
         "opencode",
         {skill},
         {{file, R"({"permission": {"skill": "allow"}, "tools": {"skill": false}})"}},
         {std::string(skill) + ": pdf global"}},
        {"nothing",
         "opencode",
         {skill},
         {{file, R"({"permission": null, "skills": null})"}},
         {std::string(skill) + ": pdf global"}},
    });
  }

  TEST_CASE("claude: whether a plugin is on is not known where its flag is none") {
    const char* const file = "home/.claude/settings.json";
    const named_roots::File installed{"home/.claude/plugins/installed_plugins.json",
                                      R"({"plugins": {"acme@m": [{"installPath": "~~/acme"}],
                        "zoo@m": [{"installPath": "~~/zoo"}]}})"};
    const auto told = [&](const char* settings) {
      const Machine machine;
      machine.Skill("acme/skills/pdf");
      machine.Skill("zoo/skills/ape");
      machine.Write(installed);
      machine.Write({file, settings});
      return machine.Told(machine.Find("claude_code"));
    };
    const std::string acme = "acme/skills/pdf: acme:pdf global of acme";
    const std::string zoo = "zoo/skills/ape: zoo:ape global of zoo";
    const std::string unknown = std::string(", unknown by ") + file;
    CHECK(told(R"({"enabledPlugins": {"acme@m": "no"}})") == Lines{acme + unknown, zoo});
    CHECK(told(R"({"enabledPlugins": {"acme@m": ["1.0"], "zoo@m": true}})") == Lines{acme, zoo});
    CHECK(told(R"({"enabledPlugins": ["acme@m"]})") == Lines{acme + unknown, zoo + unknown});
    CHECK(told("{") == Lines{acme + unknown, zoo + unknown});
  }
}

}  // namespace
}  // namespace selftune
