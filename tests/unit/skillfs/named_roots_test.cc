// Folders of skills that plugins and settings name: what each agent finds in them, under
// which name, who wins, and what may never be changed. Those of Pi: pi_roots_test.cc.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "hosts/codex/plugins.h"
#include "hosts/gemini/extensions.h"
#include "named_roots_machine.h"
#include "skillfs/replicas.h"

namespace selftune {
namespace {

using named_roots::CheckAll;
using named_roots::File;
using named_roots::Lines;
using named_roots::Machine;

constexpr const char* kManifest = R"({"name": "acme", "version": "1.0.0"})";

}  // namespace

TEST_SUITE("skillfs/named roots") {
  TEST_CASE("gemini: extensions come last, keep their names, and are switched off by folder") {
    const std::string ext = "home/.gemini/extensions/";
    const std::string rules = ext + "extension-enablement.json";
    const char* const check = "home/.gemini/extensions/acme/skills/check";
    const File manifest{ext + "acme/gemini-extension.json", kManifest};
    const auto overrides = [&](const std::string& list) {
      return File{rules, R"({"acme": {"overrides": [)" + list + "]}}"};
    };
    const std::string found = ext + "acme/skills/check: check system of acme";
    CheckAll({
        {"an extension", "gemini", {check}, {manifest}, {found}},
        {"no manifest: no extension", "gemini", {check}, {}, {}},
        {"a manifest without a version",
         "gemini",
         {check},
         {{manifest.path, R"({"name": "acme"})"}},
         {}},
        {"the second of a name is skipped",
         "gemini",
         {check, "home/.gemini/extensions/zoo/skills/other"},
         {manifest, {ext + "zoo/gemini-extension.json", kManifest}},
         {found}},
        {"a skill right in the folder",
         "gemini",
         {"home/.gemini/extensions/acme/skills"},
         {manifest},
         {ext + "acme/skills: skills system of acme"}},
        {"every other folder wins",
         "gemini",
         {check, "home/.gemini/skills/check"},
         {manifest},
         {found + ", behind home/.gemini/skills/check", "home/.gemini/skills/check: check global"}},
        {"a linked one lies elsewhere, and is the person's own",
         "gemini",
         {"dev/acme/skills/check"},
         {{ext + "acme/.gemini-extension-install.json",
           R"({"source": "~~/dev/acme", "type": "link"})"},
          {"dev/acme/gemini-extension.json", kManifest}},
         {"dev/acme/skills/check: check global"}},
        {"off for the person, who works elsewhere too",
         "gemini",
         {check},
         {manifest, overrides(R"("!~~/home/*")")},
         {found}},
        {"off everywhere",
         "gemini",
         {check},
         {manifest, overrides(R"("!~~/*")")},
         {found + ", off by " + rules}},
        {"off below one folder",
         "gemini",
         {check},
         {manifest, overrides(R"("!~~/repo/*")")},
         {found + ", off in repo/src by " + rules}},
        {"the last rule counts",
         "gemini",
         {check},
         {manifest, overrides(R"("!~~/*", "~~/repo/*")")},
         {found + ", off in other by " + rules}},
        {"a rule without a star is for that folder alone",
         "gemini",
         {check},
         {manifest, overrides(R"("!~~/repo/", "!~~/other/")")},
         {found + ", off in other by " + rules}},
    });
  }

  TEST_CASE("gemini: a rule of an extension holds in a directory") {
    struct Rule {
      const char* rule;
      const char* dir;
      bool holds;
    };
    const Rule rules[] = {
        {"/a/b/*", "/a/b", true},    {"/a/b/*", "/a/b/c/d", true},
        {"/a/b/*", "/a/bc", false},  {"/a/b/", "/a/b", true},
        {"/a/b/", "/a/b/c", false},  {"/a/*/c/", "/a/x/y/c", true},
        {"/a/*/c/", "/a/c", true},   {"/a*/", "/abc", true},
        {"/*", "/", true},           {"*", "/anything", true},
        {"/a.c/", "/abc", false},    {"/a/b/*", "/", false},
        {"/a/**b/", "/a/x/b", true}, {"", "/a", false},
    };
    for (const Rule& one : rules) {
      CAPTURE(one.rule);
      CAPTURE(one.dir);
      CHECK(hosts::gemini::RuleHolds(one.rule, one.dir).holds == one.holds);
    }
  }

  TEST_CASE("gemini: a rule costs what the folder is long, not what the rule is") {
    const std::string dir = "/home/dev/work/projects/some-name";
    const size_t all = dir.size() + 1;
    std::string stars, letters;
    while (stars.size() < 4000) {
      stars += "*a/*";
      letters += "*o";
    }
    struct Cost {
      std::string rule;
      size_t most;  // characters looked at
    };
    const Cost costs[] = {
        {"/srv/other/*", 1},                            // another folder
        {"/home/dev/work/projects/other-name/*", all},  // one beside it
        {"/home/dev/work/projects/some-name/*", all + 2},
        {std::string(4000, '*'), all + 1},
        {std::string(4000, '*') + "x/", 3 * all},
        {letters, all * all},
        {stars, all * all},
    };
    for (const Cost& one : costs) {
      CAPTURE(one.rule.substr(0, 40));
      const hosts::PatternMatch match = hosts::gemini::RuleHolds(one.rule, dir);
      CHECK(match.steps > 0);
      CHECK(match.steps <= one.most);
    }
  }

  TEST_CASE("of lists that no person writes the beginning is read, and that is told") {
    struct Case {
      const char* platform;
      const char* file;
      std::string before, entry, after;
    };
    const Case cases[] = {
        {"opencode", "repo/opencode.json", R"({"skills": {"paths": [)", R"("kit")", "]}}"},
        {"openclaw", "home/.openclaw/openclaw.json", R"({"skills": {"load": {"extraDirs": [)",
         R"("~/kit")", "]}}}"},
        {"pi", "repo/src/.pi/settings.json", R"({"skills": [)", R"("kit")", "]}"},
        {"pi", "repo/src/.pi/settings.json", R"({"packages": [)", R"("../kit")", "]}"},
        {"pi", "repo/src/.pi/settings.json", R"({"packages": [{"source": "../kit", "skills": [)",
         R"("!x")", "]}]}"},
        {"gemini", "home/.gemini/settings.json", R"({"skills": {"disabled": [)", R"("x")", "]}}"},
        {"gemini", "home/.gemini/extensions/extension-enablement.json",
         R"({"acme": {"overrides": [)", R"("!/x/")", "]}}"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.file);
      CAPTURE(c.before);
      const auto codes = [&](const std::string& first, size_t entries) {
        const Machine machine;
        machine.Write({"home/.gemini/extensions/acme/gemini-extension.json", kManifest});
        std::string bytes = c.before + first;
        for (size_t i = 1; i < entries; ++i) bytes += "," + c.entry;
        machine.Write({c.file, bytes + c.after});
        Lines out;
        for (const auto& problem : machine.Find(c.platform).problems) {
          CHECK(machine.Short(problem.path) == c.file);
          out.push_back(problem.code);
        }
        return out;
      };
      CHECK(codes(c.entry, 1000).empty());
      CHECK(codes(c.entry, 1001) == Lines{"TOO_MANY_ENTRIES"});
      if (c.before.ends_with(R"("packages": [)")) continue;  // an address may be long
      CHECK(codes("\"" + std::string(4096, 'x') + "\"", 1) == Lines{"ENTRY_TOO_LONG"});
    }
  }

  TEST_CASE("codex: of each plugin the version in use, as plugin:skill") {
    const std::string cache = "home/.codex/plugins/cache/market/tool/";
    const std::string config = "home/.codex/config.toml";
    const File on{config, "[plugins.\"tool@market\"]\nenabled = true\n"};
    const auto manifest = [&](const std::string& version, const char* more = "") {
      return File{cache + version + "/.codex-plugin/plugin.json",
                  fmt::format(R"({{"name": "acme"{}}})", more)};
    };
    const char* const first = "home/.codex/plugins/cache/market/tool/1.9.0/skills/check";
    const char* const later = "home/.codex/plugins/cache/market/tool/1.10.0/skills/check";
    const char* const local = "home/.codex/plugins/cache/market/tool/local/skills/group/check";
    const std::string found = ": acme:check global of acme";
    CheckAll({
        {"installed and on", "codex", {first}, {on, manifest("1.9.0")}, {first + found}},
        {"on without a word of it",
         "codex",
         {first},
         {{config, "[plugins.\"tool@market\"]\n\n[other]\na = 1\n"}, manifest("1.9.0")},
         {first + found}},
        {"the same in braces",
         "codex",
         {first},
         {{config, "plugins.\"tool@market\" = {}\n"}, manifest("1.9.0")},
         {first + found}},
        {"not in the settings", "codex", {first}, {manifest("1.9.0")}, {}},
        {"nothing of it is installed", "codex", {}, {on}, {}},
        {"no manifest: nothing is loaded", "codex", {first}, {on}, {}},
        {"the newest version",
         "codex",
         {first, later},
         {on, manifest("1.9.0"), manifest("1.10.0")},
         {later + found}},
        {"a local one before any version, at any depth",
         "codex",
         {later, local},
         {on, manifest("1.10.0"), manifest("local")},
         {local + found}},
        {"the manifest names other folders in place of `skills`, never one outside",
         "codex",
         {"home/.codex/plugins/cache/market/tool/local/more/check",
          "home/.codex/plugins/cache/market/tool/local/skills/other",
          "home/.codex/plugins/cache/market/outside/check"},
         {on, manifest("local", R"(, "skills": ["./more", "./../../outside", "/etc"])")},
         {cache + "local/more/check" + found}},
        {"it names none that counts",
         "codex",
         {first},
         {on, manifest("1.9.0", R"(, "skills": "../../outside")")},
         {first + found}},
        {"a manifest of Claude Code",
         "codex",
         {first},
         {on, {cache + "1.9.0/.claude-plugin/plugin.json", R"({"name": "acme"})"}},
         {first + found}},
        {"equal names are all listed",
         "codex",
         {first, "home/.codex/skills/check"},
         {on, manifest("1.9.0")},
         {first + found, "home/.codex/skills/check: check global"}},
        {"switched off",
         "codex",
         {first},
         {{config, "[plugins.\"tool@market\"]\nenabled = false\n"}, manifest("1.9.0")},
         {first + found + ", off by " + config}},
        {"all plugins are off",
         "codex",
         {first},
         {{config, "features.plugins = false\n" + on.bytes}, manifest("1.9.0")},
         {first + found + ", off by " + config}},
    });
  }

  TEST_CASE("codex: which version of a plugin is older") {
    struct Pair {
      const char* older;
      const char* newer;
    };
    const Pair pairs[] = {{"1.9.0", "1.10.0"},
                          {"1.0.0-rc.1", "1.0.0"},
                          {"9.9.9", "local"},
                          {"abc", "abd"},
                          {"1.0", "1.0.0"},
                          {"1.0.0", "1.0.1+build"},
                          {"1.0.0-rc.2", "1.0.0-rc.10"},
                          {"1.0.0-rc.9", "1.0.0-rc.18446744073709551617"},
                          {"1.0.0-rc.18446744073709551616", "1.0.0-rc.18446744073709551617"},
                          // The row of SemVer 11.4.
                          {"1.0.0-alpha", "1.0.0-alpha.1"},
                          {"1.0.0-alpha.1", "1.0.0-alpha.beta"},
                          {"1.0.0-alpha.beta", "1.0.0-beta"},
                          {"1.0.0-beta", "1.0.0-beta.2"},
                          {"1.0.0-beta.2", "1.0.0-beta.11"},
                          {"1.0.0-beta.11", "1.0.0-rc.1"}};
    for (const Pair& pair : pairs) {
      CAPTURE(pair.older);
      CHECK(hosts::codex::IsOlderVersion(pair.older, pair.newer));
      CHECK_FALSE(hosts::codex::IsOlderVersion(pair.newer, pair.older));
    }
    CHECK_FALSE(hosts::codex::IsOlderVersion("local", "local"));
    CHECK_FALSE(hosts::codex::IsOlderVersion("1.0.0", "1.0.0"));
  }

  TEST_CASE("openclaw: the workshop's skills are the host's, extra folders come last") {
    const char* const workshop = "home/.openclaw/agents/main/agent/workshop-skills/check";
    const char* const extra = "shelf/check";
    const File config{"home/.openclaw/openclaw.json",
                      R"({"skills": {"load": {"extraDirs": ["~~/shelf", "relative", 7]}}})"};
    const std::string made = std::string(workshop) + ": check system";
    CheckAll({
        {"a workshop", "openclaw", {workshop}, {}, {made}},
        {"the managed folder wins over it",
         "openclaw",
         {workshop, "home/.openclaw/skills/check"},
         {},
         {made + ", behind home/.openclaw/skills/check",
          "home/.openclaw/skills/check: check global"}},
        {"it wins over an extra folder",
         "openclaw",
         {workshop, extra},
         {config},
         {made, std::string("shelf/check: check global, behind ") + workshop}},
        {"that of one of two agents hides nothing from the other",
         "openclaw",
         {workshop, extra, "home/.openclaw/agents/two/agent/workshop-skills/own"},
         {config},
         {made, "home/.openclaw/agents/two/agent/workshop-skills/own: own system",
          "shelf/check: check global"}},
        {"an extra folder has groups, below `skills` at any depth",
         "openclaw",
         {"shelf/group/two", "shelf/a/b/three", "shelf/skills/a/b/four"},
         {config},
         {"shelf/group/two: two global", "shelf/skills/a/b/four: four global"}},
        {"what the host looks after stays the host's under another name",
         "openclaw",
         {workshop},
         {{config.path, R"({"skills": {"load": {"extraDirs": [
                            "~/.openclaw/agents/main/agent/workshop-skills"]}}})"}},
         {made}},
        {"it may be a skill, and written with ~",
         "openclaw",
         {"home/shelf"},
         {{config.path, R"({"skills": {"load": {"extraDirs": [" ~/shelf "]}}} // mine)"}},
         {"home/shelf: shelf global"}},
    });
  }

  TEST_CASE("opencode: skills.paths is read last; a project's list takes the person's place") {
    const char* const own = "home/.config/opencode/opencode.jsonc";
    const char* const theirs = "repo/opencode.json";
    const char* const inner = "repo/src/.opencode/opencode.jsonc";
    const auto paths = [](const char* file, const std::string& list) {
      return File{file, "// mine\n{\"skills\": {\"paths\": [" + list + "]}}"};
    };
    CheckAll({
        {"the person's list",
         "opencode",
         {"shelf/a/b/check", "home/more/check"},
         {paths(own, R"("~~/shelf", "~/more")")},
         {"home/more/check: check global",
          "shelf/a/b/check: check global, behind home/more/check"}},
        {"over every other folder",
         "opencode",
         {"shelf/check", "home/.config/opencode/skills/check"},
         {paths(own, R"("~~/shelf")")},
         {"home/.config/opencode/skills/check: check global, behind shelf/check",
          "shelf/check: check global"}},
        {"a folder of the row, named once more, ranks as high",
         "opencode",
         {"home/.claude/skills/check", "home/.config/opencode/skills/check"},
         {paths(own, R"("~/.claude/skills")")},
         {"home/.claude/skills/check: check global",
          "home/.config/opencode/skills/check: check global, behind home/.claude/skills/check"}},
        {"relative to where a session runs",
         "opencode",
         {"repo/src/kit/check", "other/kit/check", "home/kit/check"},
         {paths(own, R"("kit")")},
         {"other/kit/check: check project in other", "repo/src/kit/check: check project in repo"}},
        {"a project's list",
         "opencode",
         {"shelf/check", "repo/src/kit/two"},
         {paths(own, R"("~~/shelf")"), paths(theirs, R"("./kit")")},
         {"repo/src/kit/two: two project in repo",
          "shelf/check: check global, off in repo/src by repo/opencode.json"}},
        {"of two projects that name one folder each sees it, no other",
         "opencode",
         {"shelf/check"},
         {paths(theirs, R"("~~/shelf")"), paths("other/opencode.json", R"("~~/shelf")")},
         {"shelf/check: check project in other", "shelf/check: check project in repo"}},
        {"a project whose list has the person's folder too sees it, one without does not",
         "opencode",
         {"shelf/check"},
         {paths(own, R"("~~/shelf")"), paths(theirs, R"("~~/shelf")"),
          paths("other/opencode.json", R"("kit")")},
         {"shelf/check: check global, off in other by other/opencode.json"}},
        {"a project names the person's folder and switches its skill off: only there",
         "opencode",
         {"shelf/check"},
         {paths(own, R"("~~/shelf")"), {theirs, R"({"skills": {"paths": ["~~/shelf"]},
                       "permission": {"skill": {"check": "deny"}}})"}},
         {"shelf/check: check global, off in repo by repo/opencode.json"}},
        {"of two projects that name it one switches it off",
         "opencode",
         {"shelf/check"},
         {paths("other/opencode.json", R"("~~/shelf")"),
          {theirs, R"({"skills": {"paths": ["~~/shelf"]},
                       "permission": {"skill": {"check": "deny"}}})"}},
         {"shelf/check: check project in other",
          "shelf/check: check project in repo, off by repo/opencode.json"}},
        {"of several files the nearest, of one folder jsonc",
         "opencode",
         {"repo/src/one/one", "repo/src/two/two", "repo/src/three/three"},
         {paths(theirs, R"("one")"), paths("repo/src/opencode.json", R"("three")"),
          paths("repo/src/opencode.jsonc", R"("two")")},
         {"repo/src/two/two: two project in repo"}},
        {"of `.opencode` after all of them, the farthest up last",
         "opencode",
         {"repo/src/one/one", "repo/src/two/two", "repo/src/three/three"},
         {paths("repo/src/opencode.json", R"("one")"), paths(inner, R"("two")"),
          paths("repo/.opencode/opencode.json", R"("three")")},
         {"repo/src/three/three: three project in repo"}},
        {"the folder is a skill",
         "opencode",
         {"shelf"},
         {paths(own, R"("~~/shelf")")},
         {"shelf: shelf global"}},
        {"no list", "opencode", {"shelf/check"}, {{own, R"({"skills": {"urls": []}})"}}, {}},
    });
  }

  TEST_CASE("cline: .claude/skills where version 2 or the extension keeps tasks") {
    const File cline2{"home/.cline/data/tasks/1764/ui_messages.json", "[]"};
    const File editor{"home/.config/Code/User/globalStorage/saoudrizwan.claude-dev/tasks/1/x", ""};
    const char* const claude = "repo/src/.claude/skills/check";
    const std::string found = std::string(claude) + ": check project in repo";
    CheckAll({
        {"version 3 alone", "cline", {claude}, {{"home/.cline/data/sessions/1/x", ""}}, {}},
        {"version 2", "cline", {claude}, {cline2}, {found}},
        {"the extension", "cline", {claude}, {editor}, {found}},
        {"only where a session runs, and of projects alone",
         "cline",
         {"repo/.claude/skills/check", "home/.claude/skills/check"},
         {cline2},
         {}},
    });
  }

  TEST_CASE("what a plugin, a package or the host looks after is never written") {
    const Machine machine;
    for (const char* folder :
         {"home/.gemini/extensions/acme/skills/zebra", "dev/linked/skills/zebra",
          "home/.openclaw/agents/main/agent/workshop-skills/zebra", "shelf/zebra",
          "home/.pi/agent/git/host.org/me/kit/skills/zebra",
          "home/.codex/plugins/cache/market/tool/local/skills/zebra", "home/kit/skills/zebra"}) {
      machine.Skill(folder);
    }
    const File files[] = {
        {"home/.gemini/extensions/acme/gemini-extension.json", kManifest},
        {"dev/linked/gemini-extension.json", R"({"name": "linked", "version": "1"})"},
        {"home/.gemini/extensions/linked/.gemini-extension-install.json",
         R"({"source": "~~/dev/linked", "type": "link"})"},
        {"home/.openclaw/openclaw.json", R"({"skills": {"load": {"extraDirs": ["~~/shelf"]}}})"},
        {"home/.pi/agent/settings.json", R"({"packages": ["https://host.org/me/kit", "~/kit"]})"},
        {"home/.codex/config.toml", "[plugins.\"tool@market\"]\nenabled = true\n"},
        {"home/.codex/plugins/cache/market/tool/local/.codex-plugin/plugin.json",
         R"({"name": "tool"})"},
    };
    for (const File& file : files) machine.Write(file);
    Lines states;
    for (const auto& [platform, name] :
         std::vector<std::pair<const char*, const char*>>{{"gemini", "zebra"},
                                                          {"openclaw", "zebra"},
                                                          {"pi", "zebra"},
                                                          {"codex", "tool:zebra"}}) {
      const skillfs::Discovery found = machine.Find(platform);
      for (const skillfs::Replica& replica : skillfs::FindReplicas(found, name, "About zebra.")) {
        const skillfs::SkillPlacement& place = replica.skill->placements.front();
        states.push_back(
            fmt::format("{}: {}", machine.Short(place.registry_dir), skillfs::Name(replica.state)));
      }
    }
    std::sort(states.begin(), states.end());
    CHECK(states == Lines{"dev/linked/skills: deploys",
                          "home/.codex/plugins/cache/market/tool/local/skills: managed_by_plugin",
                          "home/.gemini/extensions/acme/skills: managed_by_plugin",
                          "home/.openclaw/agents/main/agent/workshop-skills: protected",
                          "home/.pi/agent/git/host.org/me/kit/skills: managed_by_plugin",
                          "home/kit/skills: deploys", "shelf: deploys"});
  }

  TEST_CASE("settings that name folders and cannot be understood are told, each once") {
    struct Broken {
      const char* platform;
      const char* file;
    };
    const Broken cases[] = {
        {"claude_code", "home/.claude/plugins/installed_plugins.json"},
        {"gemini", "home/.gemini/extensions/extension-enablement.json"},
        {"gemini", "home/.gemini/extensions/acme/gemini-extension.json"},
        {"openclaw", "home/.openclaw/openclaw.json"},
        {"opencode", "home/.config/opencode/opencode.json"},
        {"opencode", "repo/.opencode/opencode.jsonc"},
        {"pi", "home/.pi/agent/settings.json"},
        {"pi", "repo/src/.pi/settings.json"},
    };
    for (const Broken& one : cases) {
      CAPTURE(one.file);
      const Machine machine;
      machine.Write({one.file, "{\"a\": ["});
      const skillfs::Discovery found = machine.Find(one.platform);
      REQUIRE(found.problems.size() == 1);
      CHECK(machine.Short(found.problems[0].path) == one.file);
      CHECK(found.problems[0].code == "SETTINGS_INVALID");
    }
    const Machine machine;
    machine.Write({"home/.codex/config.toml/folder", ""});
    const skillfs::Discovery found = machine.Find("codex");
    REQUIRE(found.problems.size() == 1);
    CHECK(found.problems[0].code == "FILE_UNREADABLE");
  }

  TEST_CASE("codex: a config.toml that is none is told with the place, a strange one is fine") {
    struct Toml {
      const char* text;
      const char* told;  // "" = nothing
      int64_t line;
    };
    const Toml texts[] = {
        {"", "", 0},
        {"\xEF\xBB\xBF# mine\r\na.b = {c = [1, \"x\", {}], d = -0x1F}\r\n", "", 0},
        {"[[e]]\nf = '''x\n''''\n[[ e . 'g h' ]]\n", "", 0},
        {"a = 1979-05-27 07:32:00Z # then\nb = +inf\n\"c d\" . e = 1_000.5e-3", "", 0},
        {"a = 1\nthis is = = no toml [\n", "line 2, column 6: expected '=', found 'i'", 2},
        {"[plugins.\"tool@market\"]\nenabled = yes\n",
         "line 2, column 11: expected a value, found 'y'", 2},
        {"[plugins\na = 1", "line 1, column 9: expected ']', found the end of the line", 1},
        {"\n\na = \"b\nc = 1",
         "line 3, column 7: expected the end of a text, found the end of the line", 3},
        {"a = [1,\n 2", "line 2, column 3: expected ',' or ']', found the end of the file", 2},
        {"a = \n", "line 1, column 5: expected a value, found the end of the line", 1},
        {"a = 'b' c", "line 1, column 9: expected the end of the line, found 'c'", 1},
        {"a = {b = 1 c = 2}", "line 1, column 10: expected a value, found '1'", 1},
        {"= 1", "line 1, column 1: expected a key, found '='", 1},
    };
    for (const Toml& one : texts) {
      CAPTURE(one.text);
      const Machine machine;
      machine.Write({"home/.codex/config.toml", one.text});
      const skillfs::Discovery found = machine.Find("codex");
      REQUIRE(found.problems.size() == (one.line == 0 ? 0 : 1));
      if (one.line == 0) continue;
      CHECK(found.problems[0].code == "SETTINGS_INVALID");
      CHECK(found.problems[0].message == "reading " + found.problems[0].path + ": " + one.told);
      CHECK(found.problems[0].line == one.line);
    }
  }
}

}  // namespace selftune
