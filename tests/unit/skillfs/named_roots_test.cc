// Folders of skills that plugins and settings name: what each agent finds in them, under
// which name, who wins, and what may never be changed. Those of Codex, Gemini and Pi have
// files of their own.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

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
  TEST_CASE("openclaw: the workshop's skills are the host's, extra folders come last") {
    const char* const workshop = "home/.openclaw/agents/main/agent/workshop-skills/check";
    const char* const extra = "shelf/check";
    const File config{"home/.openclaw/openclaw.json",
                      R"({"skills": {"load": {"extraDirs": ["~~/shelf"]}}})"};
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
        {"links to skills of plugins are the host's, and rank as extra folders do",
         "openclaw",
         {"home/.openclaw/plugin-skills/check", extra, "home/.openclaw/skills/check"},
         {config},
         {"home/.openclaw/plugin-skills/check: check system, behind "
          "home/.openclaw/skills/check",
          "home/.openclaw/skills/check: check global",
          "shelf/check: check global, behind home/.openclaw/skills/check"}},
        {"an agent's workspace is for its sessions",
         "openclaw",
         {"claws/skills/a/one", "claws/.agents/skills/two", "home/.openclaw/skills/one",
          "home/.openclaw/workspace-helper/skills/three", "home/.openclaw/workspace/skills/four"},
         {{config.path, R"({"agents": {"list": [{"id": "main"}, {"id": "Helper"},
                                                {"id": "x", "workspace": "~~/claws"},
                                                {"id": "y", "workspace": "relative"}]}})"}},
         {"claws/.agents/skills/two: two project in claws",
          "claws/skills/a/one: one project in claws", "home/.openclaw/skills/one: one global",
          "home/.openclaw/workspace-helper/skills/three: three project in "
          "home/.openclaw/workspace-helper",
          "home/.openclaw/workspace/skills/four: four global"}},
        {"all below one folder; the agent that is marked right in it",
         "openclaw",
         {"claws/skills/one", "claws/main/skills/two", "claws/other/skills/three"},
         {{config.path, R"({"agents": {"defaults": {"workspace": "~~/claws"},
                                       "list": [{"id": "main"}, {"id": "b", "default": true}]}})"}},
         {"claws/main/skills/two: two project in claws/main",
          "claws/skills/one: one project in claws"}},
        {"one agent, elsewhere",
         "openclaw",
         {"claws/skills/one"},
         {{config.path, R"({"agents": {"defaults": {"workspace": "~~/claws"}}})"}},
         {"claws/skills/one: one project in claws"}},
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
         {"home/more/check: check global", "shelf/a/b/check: check global"}},
        {"beside every other folder: which of equal names stands is chance",
         "opencode",
         {"shelf/check", "home/.config/opencode/skills/check"},
         {paths(own, R"("~~/shelf")")},
         {"home/.config/opencode/skills/check: check global", "shelf/check: check global"}},
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
          "shelf/check: check global, off in repo by repo/opencode.json"}},
        {"in `.opencode` of the repository, for all of it",
         "opencode",
         {"shelf/check"},
         {paths(own, R"("~~/shelf")"), paths("repo/.opencode/opencode.json", R"("./kit")")},
         {"shelf/check: check global, off in repo by repo/.opencode/opencode.json"}},
        {"of a folder, there alone",
         "opencode",
         {"shelf/check"},
         {paths(own, R"("~~/shelf")"), paths("repo/src/opencode.json", R"("./kit")")},
         {"shelf/check: check global, off in repo/src by repo/src/opencode.json"}},
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
        {"of the home's own folder in place of all others",
         "opencode",
         {"shelf/check", "repo/src/kit/two", "last/three"},
         {paths(own, R"("~~/shelf")"), paths(theirs, R"("./kit")"),
          paths("home/.opencode/opencode.json", R"("~~/last")")},
         {"last/three: three global"}},
        {"above a session in no repository",
         "opencode",
         {"other/kit/two", "repo/src/kit/two"},
         {paths("opencode.json", R"("kit")")},
         {"other/kit/two: two project in other"}},
    });
  }

  TEST_CASE("qwen: skills.directories of the person and of the folder that a session runs in") {
    const auto list = [](const char* file, const std::string& items) {
      return File{file, R"({"skills": {"directories": [)" + items + "]}} // mine"};
    };
    const char* const own = "home/.qwen/settings.json";
    const char* const theirs = "repo/src/.qwen/settings.json";
    CheckAll({
        {"absolute and of the home, one folder deep",
         "qwen",
         {"shelf/one", "home/more/two", "shelf/group/three"},
         {list(own, R"("~~/shelf", " ~/more ", "")")},
         {"home/more/two: two global", "shelf/one: one global"}},
        {"relative: where a session runs",
         "qwen",
         {"repo/src/kit/one", "other/kit/two", "repo/kit/three", "home/kit/four"},
         {list(own, R"("kit")")},
         {"other/kit/two: two project in other", "repo/src/kit/one: one project in repo"}},
        {"a project's list is added, for sessions in it",
         "qwen",
         {"shelf/one", "repo/src/kit/two"},
         {list(own, R"("~~/shelf")"), list(theirs, R"("./kit")")},
         {"repo/src/kit/two: two project in repo", "shelf/one: one global"}},
        {"above a session there is none",
         "qwen",
         {"repo/kit/two"},
         {list("repo/.qwen/settings.json", R"("~~/repo/kit")")},
         {}},
    });
  }

  TEST_CASE("cline: where a session runs, when version 2 or the extension keeps tasks") {
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
        {"of version 3 the root of the repository",
         "cline",
         {"repo/.cline/skills/up", "repo/src/.cline/skills/here", "other/.agents/skills/plain"},
         {},
         {"other/.agents/skills/plain: plain project in other",
          "repo/.cline/skills/up: up project in repo"}},
        {"of version 2 both",
         "cline",
         {"repo/.cline/skills/up", "repo/src/.cline/skills/here"},
         {cline2},
         {"repo/.cline/skills/up: up project in repo",
          "repo/src/.cline/skills/here: here project in repo"}},
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

  TEST_CASE("settings are read as their host reads them") {
    CheckAll({
        {"openclaw: JSON5",
         "openclaw",
         {"shelf/check"},
         {{"home/.openclaw/openclaw.json",
           "// mine\n{skills: {load: {extraDirs: ['~~/shelf',],},},}"}},
         {"shelf/check: check global"}},
        {"opencode: a comma behind the last item",
         "opencode",
         {"shelf/check"},
         {{"home/.config/opencode/opencode.json", R"({"skills": {"paths": ["~~/shelf",],},})"}},
         {"shelf/check: check global"}},
    });
    for (const char* const text : {"", " \n", "\xef\xbb\xbf"}) {
      CAPTURE(text);
      const Machine machine;
      machine.Write({"home/.config/opencode/opencode.json", text});
      machine.Write({"home/.openclaw/openclaw.json", text});
      CHECK(machine.Find("opencode").problems.empty());
      CHECK(machine.Find("openclaw").problems.empty());
    }
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
}

}  // namespace selftune
