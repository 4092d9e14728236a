#include "status/off_switches.h"

#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>

#include "base/env.h"
#include "base/file.h"
#include "status/skill_states.h"
#include "unit/status/status_fixture.h"

namespace selftune::status {
namespace {

using testing::DaysAgo;
using testing::kNow;
using testing::Must;
using testing::World;

// A home with settings in it, and a store that met the skill `pdf`.
struct Machine {
  World world;
  base::Environment env;

  Machine() { env.Set("HOME", home()); }
  [[nodiscard]] const std::string& home() { return world.store().dir().path(); }
  [[nodiscard]] std::string At(std::string_view below) { return world.store().dir() / below; }
  void Settings(std::string_view file, std::string_view text) {
    world.store().dir().Write(file, text);
  }
  void Put(std::string_view file, std::string_view project = "") {
    world.Install("pdf", At(file), "Make PDFs.", true, project.empty() ? "" : At(project));
  }
  void Worked(std::string_view project) {
    world.Write([&](store::IngestWriter& writer) {
      Must(writer.UpdateSession(
          {.platform = "claude_code", .id = project, .cwd = At(project), .started = DaysAgo(1)}));
    });
  }
  OffVerdict Ask(std::string_view platform = "") {
    const OffSwitches switches = Must(OffSwitches::Read(world.db(), env));
    return switches.Of("pdf", Must(store::ReadSkillPlaces(world.db())), platform);
  }
};

constexpr std::string_view kClaudeOff = R"({"skillOverrides":{"pdf":"off"}})";
constexpr std::string_view kCodexOff = "[[skills.config]]\nname = \"pdf\"\nenabled = false\n";
constexpr std::string_view kGlobal = ".claude/skills/pdf/SKILL.md";
constexpr std::string_view kShared = ".agents/skills/pdf/SKILL.md";
constexpr std::string_view kProjects = "proj/.claude/skills/pdf/SKILL.md";

}  // namespace

TEST_SUITE("status/off_switches") {
  TEST_CASE("a skill is off where the settings of every host that sees it say so") {
    using File = std::pair<std::string_view, std::string>;
    using Off = std::tuple<std::string_view, std::string_view, std::string_view>;
    struct Case {
      const char* name;
      std::vector<File> settings;
      std::vector<std::string_view> places;
      std::vector<Off> off;  // host, file that says it, project
      bool everywhere;
      std::vector<Off> unknown = {};
      bool nobody_knows = false;
    };
    const Case cases[] = {
        {"no settings", {}, {kGlobal}, {}, false},
        {"settings of another skill",
         {{".claude/settings.json", R"({"skillOverrides":{"docx":"off"}})"}},
         {kGlobal},
         {},
         false},
        {"its only host",
         {{".claude/settings.json", std::string(kClaudeOff)}},
         {kGlobal},
         {{"claude_code", ".claude/settings.json", ""}},
         true},
        {"one host of two that share a folder",
         {{".codex/config.toml", std::string(kCodexOff)}, {".gemini/settings.json", "{}"}},
         {kShared},
         {{"codex", ".codex/config.toml", ""}},
         false},
        {"both of them",
         {{".codex/config.toml", std::string(kCodexOff)},
          {".gemini/settings.json", R"({"skills":{"disabled":["pdf"]}})"}},
         {kShared},
         {{"codex", ".codex/config.toml", ""}, {"gemini", ".gemini/settings.json", ""}},
         true},
        {"one copy of two",
         {{".codex/config.toml", std::string(kCodexOff)}, {".claude/settings.json", "{}"}},
         {kGlobal, kShared},
         {{"codex", ".codex/config.toml", ""}},
         false},
        {"in one project, and on elsewhere",
         {{"proj/.claude/settings.json", std::string(kClaudeOff)}},
         {kGlobal},
         {{"claude_code", "proj/.claude/settings.json", "proj"}},
         false},
        {"a project's own skill, by the project",
         {{"proj/.claude/settings.local.json", std::string(kClaudeOff)}},
         {kProjects},
         {{"claude_code", "proj/.claude/settings.local.json", ""}},
         true},
        {"on in a host whose settings name the folder of another",
         {{".claude/settings.json", std::string(kClaudeOff)},
          {".openclaw/openclaw.json", R"({"skills":{"load":{"extraDirs":["~/.claude/skills"]}}})"}},
         {kGlobal},
         {{"claude_code", ".claude/settings.json", ""}},
         false},
        {"in a folder that the settings of its only host name",
         {{".openclaw/openclaw.json",
           R"({"skills":{"load":{"extraDirs":["~/more"]},"entries":{"pdf":{"enabled":false}}}})"}},
         {"more/pdf/SKILL.md"},
         {{"openclaw", ".openclaw/openclaw.json", ""}},
         true},
        {"settings that nobody understands",
         {{".claude/settings.json", "{"}},
         {kGlobal},
         {},
         false,
         {{"claude_code", ".claude/settings.json", ""}},
         true},
        {"tables that nobody understands, behind one that is",
         {{".codex/config.toml", std::string(kCodexOff) + "x = [\n"}},
         {kShared},
         {},
         false,
         {{"codex", ".codex/config.toml", ""}},
         true},
        {"settings that are too large to be anybody's",
         {{".gemini/settings.json", "{\"x\": \"" + std::string(4 << 20, 'x') + "\"}"}},
         {kShared},
         {},
         false,
         {{"gemini", ".gemini/settings.json", ""}},
         true},
        {"settings with more values than anybody's",
         {{".config/opencode/opencode.json", "[" + std::string(100'000, ',') + "]"}},
         {kShared},
         {},
         false,
         {{"opencode", ".config/opencode/opencode.json", ""}},
         true},
        {"not understood, and on in what counts more",
         {{".config/opencode/opencode.json", "{"},
          {".config/opencode/opencode.jsonc", R"({"permission": {"skill": "allow"}})"}},
         {kShared},
         {},
         false},
        {"not understood in one host, off in the other",
         {{".codex/config.toml", std::string(kCodexOff)}, {".gemini/settings.json", "{"}},
         {kShared},
         {{"codex", ".codex/config.toml", ""}},
         false,
         {{"gemini", ".gemini/settings.json", ""}},
         true},
        {"not understood in one host, on in the other",
         {{".claude/settings.json", "{"},
          {".openclaw/openclaw.json", R"({"skills":{"load":{"extraDirs":["~/.claude/skills"]}}})"}},
         {kGlobal},
         {},
         false,
         {{"claude_code", ".claude/settings.json", ""}},
         false},
        {"a project's, which are about its sessions",
         {{"proj/.claude/settings.json", "{"}},
         {kGlobal},
         {},
         false,
         {{"claude_code", "proj/.claude/settings.json", "proj"}},
         false},
        {"a project's own skill, by those of the project",
         {{"proj/.claude/settings.json", "{"}},
         {kProjects},
         {},
         false,
         {{"claude_code", "proj/.claude/settings.json", ""}},
         true},
        {"words of Pi",
         {{".pi/agent/settings.json", R"({"skills": ["!pdf")"}},
         {".pi/agent/skills/pdf/SKILL.md"},
         {},
         false,
         {{"pi", ".pi/agent/settings.json", ""}},
         true},
        {"in a folder that settings which nobody understands may name",
         {{".openclaw/openclaw.json", "{"}, {".claude/settings.json", "{}"}},
         {"more/pdf/SKILL.md"},
         {},
         false,
         {{"openclaw", ".openclaw/openclaw.json", ""}},
         true},
        {"in a folder that nobody needs to name, of a host that is not here",
         {{".openclaw/openclaw.json", "{"}},
         {".qwen/skills/pdf/SKILL.md"},
         {},
         false},
        {"in a folder of plugins, the list of which nobody understands",
         {{".claude/plugins/installed_plugins.json", "{"}},
         {".claude/plugins/cache/m/acme/1/skills/pdf/SKILL.md"},
         {},
         false,
         {{"claude_code", ".claude/plugins/installed_plugins.json", ""}},
         true},
        {"or which is no list",
         {{".claude/plugins/installed_plugins.json", R"({"plugins": ["acme@m"]})"}},
         {".claude/plugins/cache/m/acme/1/skills/pdf/SKILL.md"},
         {},
         false,
         {{"claude_code", ".claude/plugins/installed_plugins.json", ""}},
         true},
        {"in a folder of plugins, the list of which is understood",
         {{".claude/plugins/installed_plugins.json", R"({"plugins": {}})"}},
         {".claude/plugins/cache/m/acme/1/skills/pdf/SKILL.md"},
         {},
         false},
        {"its folder, where the list of plugins is not understood",
         {{".claude/plugins/installed_plugins.json", "{"}},
         {kGlobal},
         {},
         false},
        {"not installed", {{".claude/settings.json", std::string(kClaudeOff)}}, {}, {}, false},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      Machine machine;
      for (const auto& [file, text] : c.settings) machine.Settings(file, text);
      machine.Settings("proj/readme", "");
      machine.Worked("proj");
      for (const std::string_view place : c.places) {
        machine.Put(place, place == kProjects ? "proj" : "");
      }
      const OffVerdict verdict = machine.Ask();
      CHECK(verdict.everywhere == c.everywhere);
      CHECK(verdict.nobody_knows == c.nobody_knows);
      const auto check = [&](const std::vector<OffSwitch>& told, const std::vector<Off>& want) {
        REQUIRE(told.size() == want.size());
        for (size_t i = 0; i < want.size(); ++i) {
          const auto& [host, file, project] = want[i];
          CHECK(told[i].platform == host);
          CHECK(told[i].settings == machine.At(file));
          CHECK(told[i].project_root == (project.empty() ? "" : machine.At(project)));
        }
      };
      check(verdict.off, c.off);
      check(verdict.unknown, c.unknown);
    }
  }

  TEST_CASE("a host that was never set up here does not keep a skill on") {
    Machine machine;
    machine.Settings(".codex/config.toml", kCodexOff);
    machine.Put(kShared);  // Gemini would look there too
    CHECK(machine.Ask().everywhere);
    machine.Settings(".gemini/settings.json", "{}");
    CHECK_FALSE(machine.Ask().everywhere);
  }

  TEST_CASE("settings that name a file mean the one behind a link as well") {
    Machine machine;
    const std::string real = machine.At("dotfiles/pdf/SKILL.md");
    machine.Settings(".codex/config.toml",
                     "[[skills.config]]\npath = \"" + real + "\"\nenabled = false\n");
    machine.world.Write([&](store::IngestWriter& writer) {
      REQUIRE_OK(writer.UpsertSkillLocation({.skill = "pdf",
                                             .path = machine.At(kShared),
                                             .scope = "global",
                                             .registry_dir = machine.At(".agents/skills"),
                                             .real_path = real}));
    });
    CHECK(machine.Ask().everywhere);
  }

  TEST_CASE("asked of one host, the others do not matter") {
    Machine machine;
    machine.Settings(".codex/config.toml", kCodexOff);
    machine.Settings(".gemini/settings.json", "{}");
    machine.Put(kShared);
    CHECK_FALSE(machine.Ask().everywhere);
    CHECK(machine.Ask("codex").everywhere);
    CHECK_FALSE(machine.Ask("gemini").everywhere);
    CHECK(machine.Ask("gemini").off.empty());
  }

  TEST_CASE("settings of a folder are for sessions in it, and below it where the host looks up") {
    Machine machine;
    machine.Put(kShared);
    for (const char* folder : {"proj", "proj/sub"}) {
      machine.Settings(std::string(folder) + "/readme", "");
      machine.Worked(folder);
    }
    machine.Settings("proj/.git/HEAD", "ref: refs/heads/main\n");
    for (const char* here : {".claude/settings.json", ".gemini/settings.json",
                             ".pi/agent/settings.json", ".config/opencode/opencode.json"}) {
      machine.Settings(here, "{}");
    }
    machine.Settings("proj/.gemini/settings.json", R"({"skills":{"disabled":["pdf"]}})");
    machine.Settings("proj/opencode.json", R"({"permission":{"skill":{"pdf":"deny"}}})");
    const OffSwitches switches = Must(OffSwitches::Read(machine.world.db(), machine.env));
    const auto places = Must(store::ReadSkillPlaces(machine.world.db()));
    const auto off = [&](std::string_view platform, std::string_view cwd) {
      return switches.IsOffAt("pdf", places, platform, machine.At(cwd));
    };
    CHECK(off("gemini", "proj"));
    CHECK_FALSE(off("gemini", "proj/sub"));
    CHECK(off("opencode", "proj"));
    CHECK(off("opencode", "proj/sub"));
    CHECK_FALSE(off("pi", "proj"));
  }

  TEST_CASE("what is switched off everywhere is not called silent") {
    Machine machine;
    machine.Put(kGlobal);
    machine.Worked("proj");
    using Flags = std::vector<std::string_view>;
    const auto flags = [&] {
      const OffSwitches off = Must(OffSwitches::Read(machine.world.db(), machine.env));
      const auto states = Must(ReadSkillStates(machine.world.db(), config::Config(),
                                               {.now = kNow, .window = {}, .off = &off}));
      REQUIRE(states.size() == 1);
      CHECK(states[0].silent() == (states[0].flags == Flags{"silent"}));
      return states[0].flags;
    };
    CHECK(flags() == Flags{"silent"});
    machine.Settings("proj/.claude/settings.json", kClaudeOff);
    CHECK(flags() == Flags{"silent"});  // sessions elsewhere could have used it
    machine.Settings(".claude/settings.json", kClaudeOff);
    CHECK(flags() == Flags{"disabled"});
    machine.Settings(".claude/settings.json", "{");
    CHECK(flags() == Flags{"settings_unknown"});
  }

  TEST_CASE("a skill is managed where evolve would say so: by where its file lies") {
    struct Case {
      const char* name;
      const char* skill;
      const char* place;
      const char* file;  // behind it
      bool managed;
    };
    const char* const installed = R"({"plugins": {"acme@m": {"installPath": "~~/acme"}}})";
    const Case cases[] = {
        {"a name with a colon alone", "my:pdf", ".claude/skills/pdf", ".claude/skills/pdf", false},
        {"in the cache of plugins", "pdf", ".claude/plugins/cache/m/acme/1/skills/pdf",
         ".claude/plugins/cache/m/acme/1/skills/pdf", true},
        {"in a plugin that lies elsewhere", "acme:pdf", "acme/skills/pdf", "acme/skills/pdf", true},
        {"a link into one", "pdf", ".agents/skills/pdf", "acme/skills/pdf", true},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      for (const bool enabled : {true, false}) {
        CAPTURE(enabled);
        Machine machine;
        std::string plugins = installed;
        plugins.replace(plugins.find("~~"), 2, machine.home());
        machine.Settings(".claude/plugins/installed_plugins.json", plugins);
        machine.Settings(".claude/settings.json",
                         enabled ? "{}" : R"({"enabledPlugins": {"acme@m": false}})");
        machine.Settings("acme/.claude-plugin/plugin.json", R"({"name": "acme"})");
        const std::string place = machine.At(c.place), file = machine.At(c.file);
        machine.world.Write([&](store::IngestWriter& writer) {
          REQUIRE_OK(writer.UpsertSkillLocation({.skill = c.skill,
                                                 .path = place + "/SKILL.md",
                                                 .scope = "global",
                                                 .registry_dir = base::DirName(place),
                                                 .real_path = file + "/SKILL.md"}));
        });
        const OffSwitches off = Must(OffSwitches::Read(machine.world.db(), machine.env));
        const auto states = Must(ReadSkillStates(machine.world.db(), config::Config(),
                                                 {.now = kNow, .window = {}, .off = &off}));
        REQUIRE(states.size() == 1);
        CHECK(states[0].managed == c.managed);
      }
    }
  }

  TEST_CASE("outside git settings of a folder hold in the folders below it") {
    const std::pair<std::string_view, const char*> cases[] = {
        {kShared, R"({"permission": {"skill": {"pdf": "deny"}}})"},
        {"shelf/pdf/SKILL.md", R"({"skills": {"paths": ["mine"]}})"},
    };
    for (const auto& [place, settings] : cases) {
      CAPTURE(settings);
      Machine machine;
      machine.Put(place);
      for (const char* folder : {"work", "work/notes", "other"}) {
        machine.Settings(std::string(folder) + "/readme", "");
        machine.Worked(folder);
      }
      machine.Settings(".config/opencode/opencode.json", R"({"skills": {"paths": ["~/shelf"]}})");
      machine.Settings("work/opencode.json", settings);
      const OffSwitches switches = Must(OffSwitches::Read(machine.world.db(), machine.env));
      const auto places = Must(store::ReadSkillPlaces(machine.world.db()));
      const auto off = [&](std::string_view cwd) {
        return switches.IsOffAt("pdf", places, "opencode", machine.At(cwd));
      };
      CHECK(off("work"));
      CHECK(off("work/notes"));
      CHECK_FALSE(off("other"));
    }
  }

  TEST_CASE("settings of a folder say nothing of repositories that lie in it") {
    const std::pair<std::string_view, const char*> cases[] = {
        {kShared, R"({"permission": {"skill": {"pdf": "deny"}}})"},
        // In the place of the person's list, which names that folder.
        {"shelf/pdf/SKILL.md", R"({"skills": {"paths": ["mine"]}})"},
    };
    for (const auto& [place, settings] : cases) {
      CAPTURE(settings);
      Machine machine;
      machine.Put(place);
      for (const char* folder : {"proj", "proj/sub", "proj/vendor/kit", "proj/vendor/kit/src"}) {
        machine.Settings(std::string(folder) + "/readme", "");
        machine.Worked(folder);
      }
      machine.Settings("proj/.git/HEAD", "ref: refs/heads/main\n");
      machine.Settings("proj/vendor/kit/.git/HEAD", "ref: refs/heads/main\n");
      machine.Settings(".config/opencode/opencode.json", R"({"skills": {"paths": ["~/shelf"]}})");
      machine.Settings("proj/opencode.json", settings);
      const OffSwitches switches = Must(OffSwitches::Read(machine.world.db(), machine.env));
      const auto places = Must(store::ReadSkillPlaces(machine.world.db()));
      const auto off = [&](std::string_view cwd) {
        return switches.IsOffAt("pdf", places, "opencode", machine.At(cwd));
      };
      CHECK(off("proj"));
      CHECK(off("proj/sub"));
      CHECK_FALSE(off("proj/vendor/kit"));
      CHECK_FALSE(off("proj/vendor/kit/src"));
    }
  }
}

}  // namespace selftune::status
