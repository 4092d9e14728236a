// What finding skills costs where settings are large, hostile or many: counted, not timed.
#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "base/env.h"
#include "base/file.h"
#include "hosts/common/root_list.h"
#include "hosts/gemini/extensions.h"
#include "hosts/installed_skills.h"
#include "hosts/opencode/skill_paths.h"
#include "hosts/pi/skill_entries.h"
#include "named_roots_machine.h"
#include "skillfs/discovery_roots.h"
#include "support/temp_dir.h"

namespace selftune::skillfs {
namespace {

using named_roots::Lines;
using named_roots::Machine;

// What all agents find where so many projects link one folder of ten skills.
struct Linked {
  DiscoveryCost cost;
  size_t skills = 0, placements = 0;
};

Linked LinkedBy(size_t projects) {
  const testing::TempDir dir;
  base::Environment env;
  env.Set("HOME", dir / "home");
  for (int i = 0; i < 10; ++i) {
    const std::string name = "skill-" + std::to_string(i);
    dir.Write("team/" + name + "/SKILL.md", "---\nname: " + name + "\ndescription: a\n---\n");
  }
  std::vector<std::string> dirs;
  for (size_t i = 0; i < projects; ++i) {
    dirs.push_back(dir / ("work/" + std::to_string(i)));
    std::filesystem::create_directories(dirs.back() + "/.git");
    for (const char* agent : {"/.claude", "/.agents"}) {
      std::filesystem::create_directory(dirs.back() + agent);
      std::filesystem::create_directory_symlink(dir / "team", dirs.back() + agent + "/skills");
    }
  }
  const Discovery found = hosts::FindInstalledSkills(env, dirs);
  Linked out{.cost = found.cost, .skills = found.skills.size()};
  for (const InstalledSkill& skill : found.skills) out.placements += skill.placements.size();
  return out;
}

std::vector<std::string> Codes(const std::vector<DiscoveryProblem>& problems) {
  std::vector<std::string> out;
  for (const DiscoveryProblem& problem : problems) out.push_back(problem.code);
  return out;
}

// A list of JSON with what `entry` makes of each number.
template <typename Entry>
std::string ListOf(size_t count, Entry entry) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += (i == 0 ? "[\"" : "\", \"") + entry(i);
  return out + "\"]";
}

// Settings of Pi in a cloned repository, and what they name.
struct Repository {
  testing::TempDir dir;
  std::vector<DiscoveryProblem> problems;

  void Settings(const std::string& packages) const {
    dir.Write("repo/.pi/settings.json", R"({"packages": )" + packages + "}");
  }
  std::vector<NamedRoot> Roots() {
    const std::vector<std::string> dirs = {dir / "repo"};
    const std::vector<std::vector<std::string>> folders = {dirs};
    return hosts::pi::NamedSkillRoots({.home = dir / "home",
                                       .config_dir = dir / "home/.pi/agent",
                                       .project_dirs = dirs,
                                       .project_folders = folders},
                                      problems);
  }
};

constexpr const char* kKit = "repo/.pi/npm/node_modules/kit";

}  // namespace

TEST_SUITE("skillfs/discovery cost") {
  TEST_CASE("however many hosts ask, each folder is looked at once for a repository") {
    const testing::TempDir dir;
    base::Environment env;
    env.Set("HOME", dir / "home");
    REQUIRE(base::MakeDirs(dir / "work/a/.git", 0755).ok());
    REQUIRE(base::MakeDirs(dir / "work/a/src/deep", 0755).ok());
    REQUIRE(base::MakeDirs(dir / "work/b", 0755).ok());
    const std::vector<std::string> dirs = {(dir / "work/a/src/deep"), (dir / "work/a/src"),
                                           (dir / "work/a"), (dir / "work/b")};
    DiscoveryRequest request = hosts::DiscoveryFor(env, dirs);
    hosts::AddSettings(request);
    // deep, src and a; b, and what is above it.
    const size_t above = static_cast<size_t>(std::ranges::count(dir / "work", '/')) + 1;
    CHECK(request.work_trees.asked() == 3 + 1 + above);
    CHECK(request.work_trees.RootOf(dirs[0]) == (dir / "work/a"));
    CHECK(request.work_trees.RootOf(dirs[3]).empty());
    CHECK(request.work_trees.asked() == 3 + 1 + above);
  }

  TEST_CASE("a folder that lists name a thousand times is one root for each thing they say of it") {
    const testing::TempDir dir;
    HostSkillRules host;
    host.platform = "pi";
    for (int i = 0; i < 1000; ++i) {
      NamedRoot root{.path = dir.path() + (i % 2 == 0 ? "" : "/."), .plugin = ""};
      root.precedence = 1000 - i;
      if (i % 4 == 3) root.disabled_by = "/settings.json";
      host.named_roots.push_back(root);
    }
    const DiscoveryRequest request;
    DiskCache disk{WorkTrees{}};
    const std::vector<ResolvedRoot> roots = ResolveRoots(host, request, disk);
    REQUIRE(roots.size() == 2);
    CHECK(roots[0].precedence == 1);
    CHECK(roots[0].disabled_by == "/settings.json");
    CHECK(roots[1].precedence == 2);
    CHECK(roots[0].path == roots[1].path);
  }

  TEST_CASE("a folder that many projects link is looked through once, and each adds as much") {
    const Linked few = LinkedBy(5), many = LinkedBy(50);
    CHECK(few.skills == 10);
    CHECK(many.skills == 10);
    REQUIRE(many.placements == 10 * few.placements);
    CHECK(many.cost.folders == few.cost.folders);
    CHECK(many.cost.resolved == few.cost.resolved);
    CHECK(many.cost.opened == few.cost.opened);
    CHECK(few.cost.resolved == 10);
    // Each file of a root, each placement, and it again among those of its name.
    CHECK(many.cost.steps == 10 * few.cost.steps);
    CHECK(many.cost.steps <= 5 * many.placements);
  }

  TEST_CASE("a project that names too many folders uses up its own part of the effort") {
    const testing::TempDir dir;
    for (int i = 0; i < 30; ++i) {
      dir.Write("team/skill-" + std::to_string(i) + "/SKILL.md", "---\nname: a\n---\n");
    }
    constexpr size_t kMost = 20;
    const auto files = [&](const char* project, DiskCache& disk) {
      return disk.Walk(dir / "team", {}, project).files.size();
    };
    DiskCache disk{WorkTrees{}, kMost};
    // The folder itself, one for its thirty entries, and so many skills.
    CHECK(files("/repo", disk) == kMost - 2);
    CHECK(files("/repo", disk) == kMost - 2);  // for the next agent
    CHECK(disk.effort() == kMost);
    CHECK(disk.Walk(dir / "team", {}, "/repo").problems.size() == 1);
    // Nothing more for it, which is told.
    const SkillWalk& more = disk.Walk(dir / "team", {.depth = 2}, "/repo");
    CHECK(more.files.empty());
    REQUIRE(more.problems.size() == 1);
    CHECK(more.problems[0].code == "TOO_MANY_FOLDERS");
    // Nobody else loses by it.
    CHECK(files("/other", disk) == kMost - 2);
    DiskCache large{WorkTrees{}};
    CHECK(files("/repo", large) == 30);
    CHECK(large.Walk(dir / "team", {}, "").problems.empty());
  }

  TEST_CASE("a package of very many folders takes nothing from the person's own skills") {
    const testing::TempDir dir;
    dir.Write("own/mine/SKILL.md", "---\nname: mine\n---\n");
    HostSkillRules host{.platform = "claude_code"};
    for (int list = 0; list < 11; ++list) {
      const std::string folder = dir / ("kit/list-" + std::to_string(list));
      for (int i = 0; i < 1900; ++i)
        std::filesystem::create_directories(folder + "/" + std::to_string(i));
      host.named_roots.push_back({.path = folder, .plugin = "kit", .plugin_dir = dir / "kit"});
    }
    // Also behind it in the order.
    host.named_roots.push_back({.path = dir / "own", .plugin = "", .project_root = ""});
    const Discovery found = DiscoverSkills({.hosts = {host}});
    REQUIRE(found.skills.size() == 1);
    CHECK(found.skills[0].name == "mine");
    CHECK(Codes(found.problems) == Lines{"TOO_MANY_FOLDERS"});
  }

  TEST_CASE("pi: a package that a file names a thousand times is looked at once") {
    Repository repo;
    repo.Settings(ListOf(1000, [](size_t i) { return "npm:kit@" + std::to_string(i); }));
    repo.dir.Write(std::string(kKit) + "/package.json",
                   R"({"pi": {"skills": )" +
                       ListOf(1000, [](size_t i) { return "s" + std::to_string(i % 500); }) + "}}");
    CHECK(repo.Roots().size() == 500);
    CHECK(repo.problems.empty());
  }

  TEST_CASE("pi: packages times entries have an end, which is told, and the person's stay") {
    Repository repo;
    repo.dir.Write("home/.pi/agent/settings.json", R"({"skills": ["~/mine"]})");
    repo.dir.Write(std::string(kKit) + "/package.json",
                   R"({"pi": {"skills": )" +
                       ListOf(1000, [](size_t i) { return "s" + std::to_string(i); }) + "}}");
    for (int i = 0; i < 300; ++i) {
      std::filesystem::create_directory_symlink("kit", repo.dir / (kKit + std::to_string(i)));
    }
    repo.Settings(ListOf(300, [](size_t i) { return "npm:kit" + std::to_string(i); }));
    const std::vector<NamedRoot> roots = repo.Roots();
    CHECK(roots.size() > 1000);
    CHECK(roots.size() <= hosts::Effort::kMost / hosts::Effort::kFolder);
    CHECK(std::ranges::count(roots, "", &NamedRoot::project_root) == 1);
    CHECK(Codes(repo.problems) == Lines{"TOO_MANY_ENTRIES"});
  }

  TEST_CASE("pi: patterns times folders times words of a filter have an end") {
    struct Filter {
      const char* name;
      std::string entries;
      Lines codes;
    };
    const Filter filters[] = {
        {"few", R"(["skills", "!none*"])", {}},
        {"words",
         "[\"skills\"," +
             ListOf(900, [](size_t i) { return "!*s*k*" + std::to_string(i); }).substr(1),
         {"TOO_MANY_ENTRIES"}},
        {"patterns",
         ListOf(900, [](size_t i) { return "skills/*s*k*" + std::to_string(i) + "x"; }),
         {"TOO_MANY_ENTRIES"}},
        {"folders that patterns begin in",
         ListOf(400, [](size_t i) { return "skills/s" + std::to_string(i) + "/../*"; }),
         {}},
    };
    for (const Filter& filter : filters) {
      CAPTURE(filter.name);
      Repository repo;
      for (int i = 0; i < 200; ++i) {
        repo.dir.Write(kKit + ("/skills/s" + std::to_string(i) + "kkkkkkkkkkkkkkkk/SKILL.md"),
                       "---\nname: a\n---\n");
      }
      repo.dir.Write(std::string(kKit) + "/package.json",
                     R"({"pi": {"skills": )" + filter.entries + "}}");
      repo.Settings(R"(["npm:kit"])");
      CHECK(repo.Roots().size() <= 200);
      CHECK(Codes(repo.problems) == filter.codes);
    }
  }

  TEST_CASE("a file of settings with more values than anybody has is told, and not understood") {
    constexpr size_t kFew = 20'000, kMany = 200'000;
    const struct {
      const char* name;
      size_t values;
      std::string_view begin, each, end;
      bool understood;
    } cases[] = {
        {"few", kFew, "1", ",1", "", true},
        {"many", kMany, "1", ",1", "", false},
        {"signs in a text are no values", kMany, "\"1", ",{\\\"", "\"", true},
        {"nor in a remark", kMany, "1 /* \" ", ",", "*/", true},
        {"quotes in remarks hide none", kMany, "/* \" *//* \" */ // \"\n 1", ",1", "", false},
    };
    for (const auto& c : cases) {
      CAPTURE(c.name);
      const Machine machine;
      std::string list(c.begin);
      for (size_t i = 1; i < c.values; ++i) list += c.each;
      list += c.end;
      machine.Skill("repo/src/kit/check");
      machine.Write(
          {"repo/src/opencode.json", R"({"skills": {"paths": ["kit"]}, "x": [)" + list + "]}"});
      const Discovery found = machine.Find("opencode");
      CHECK(found.skills.size() == (c.understood ? 1 : 0));
      CHECK(Codes(found.problems) == (c.understood ? Lines{} : Lines{"TOO_MANY_ENTRIES"}));
    }
  }

  TEST_CASE("pi: manifests that are long together are not all read") {
    Repository repo;
    repo.dir.Write(std::string(kKit) + "/package.json",
                   R"({"pi": {"skills": []}, "x": ")" + std::string(1 << 20, 'x') + "\"}");
    for (int i = 0; i < 10; ++i) {
      std::filesystem::create_directory_symlink("kit", repo.dir / (kKit + std::to_string(i)));
    }
    repo.Settings(ListOf(10, [](size_t i) { return "npm:kit" + std::to_string(i); }));
    CHECK(repo.Roots().empty());
    CHECK(Codes(repo.problems) == Lines{"TOO_MANY_ENTRIES"});
  }

  TEST_CASE("opencode: what a list names from many working directories has an end") {
    const testing::TempDir dir;
    dir.Write("repo/opencode.json", R"({"skills": {"paths": )" + ListOf(1000, [](size_t i) {
                                      return "kit" + std::to_string(i % 500);
                                    }) + "}}");
    const auto roots = [&](size_t count, std::vector<DiscoveryProblem>& problems) {
      std::vector<std::vector<std::string>> folders;
      for (size_t i = 0; i < count; ++i) {
        folders.push_back({dir / ("repo/src" + std::to_string(i)), dir / "repo"});
      }
      return hosts::opencode::NamedSkillRoots({.home = dir / "home",
                                               .config_dir = dir / "home/.config/opencode",
                                               .project_dirs = {},
                                               .project_folders = folders},
                                              problems);
    };
    std::vector<DiscoveryProblem> problems;
    CHECK(roots(2, problems).size() == 1000);
    CHECK(problems.empty());
    CHECK(roots(100, problems).size() <= hosts::Effort::kMost / hosts::Effort::kFolder);
    REQUIRE(Codes(problems) == Lines{"TOO_MANY_ENTRIES"});
    CHECK(problems[0].path == dir / "repo/opencode.json");
  }

  TEST_CASE("gemini: a rule costs what the folder is long, not what the rule is") {
    const std::string dir = "/home/ada/code/projects/some-name";
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
        {"/home/ada/code/projects/other-name/*", all},  // one beside it
        {"/home/ada/code/projects/some-name/*", all + 2},
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

  TEST_CASE("gemini: patterns times folders of sessions have an end, and that is told") {
    const testing::TempDir dir;
    const std::string settings = dir / "home/.gemini/settings.json";
    dir.Write("home/.gemini/extensions/acme/gemini-extension.json",
              R"({"name": "acme", "version": "1.0.0"})");
    dir.Write("home/.gemini/extensions/acme/.gemini-extension-install.json",
              R"({"source": "https://host.org/acme", "type": "git"})");
    std::string list;
    for (int i = 0; i < 100; ++i) list += (i == 0 ? "\"" : ", \"") + std::string(".*.*.*none\"");
    dir.Write("home/.gemini/settings.json",
              R"({"security": {"allowedExtensions": [)" + list + "]}}");
    const auto ask = [&](size_t sessions, std::vector<DiscoveryProblem>& problems) {
      Lines dirs;
      for (size_t i = 0; i < sessions; ++i) dirs.push_back("/srv/" + std::to_string(i));
      const auto roots = hosts::gemini::ExtensionSkillRoots({.home = dir / "home",
                                                             .config_dir = dir / "home/.gemini",
                                                             .project_dirs = dirs,
                                                             .absolute_root = dir / "root"},
                                                            problems);
      REQUIRE(roots.size() == 1);
      return roots.front();
    };
    std::vector<DiscoveryProblem> problems;
    CHECK(ask(10, problems).disabled_by == settings);
    CHECK(problems.empty());
    const NamedRoot many = ask(2000, problems);
    CHECK(many.disabled_in.size() < 1000);
    CHECK(many.disabled_in.size() + many.unknown_in.size() == 2000);
    CHECK(many.unknown_in.back().settings == settings);
    CHECK(Codes(problems) == Lines{"TOO_MANY_ENTRIES"});
  }

  TEST_CASE("of lists of folders that no person writes the beginning is read, which is told") {
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
        {"gemini", "home/.gemini/settings.json", R"({"security": {"allowedExtensions": [)",
         R"("acme")", "]}}"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.file);
      CAPTURE(c.before);
      const auto codes = [&](const std::string& first, size_t entries) {
        const Machine machine;
        machine.Write({"home/.gemini/extensions/acme/gemini-extension.json",
                       R"({"name": "acme", "version": "1.0.0"})"});
        machine.Write({"home/.gemini/extensions/acme/.gemini-extension-install.json",
                       R"({"source": "/srv/acme", "type": "local"})"});
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

  TEST_CASE(
      "codex: values under a key of many parts are passed over, the key is not put together") {
    // Gigabytes, were it put together for each of them.
    std::string text = "[a";
    for (int i = 0; i < 100'000; ++i) text += ".a";
    text += "]\n";
    for (int i = 0; i < 100'000; ++i) text += "x = 1\n";
    const Machine machine;
    machine.Skill("home/.codex/skills/check");
    machine.Write({"home/.codex/config.toml",
                   text + "[[skills.config]]\nname = \"check\"\nenabled = false\n"});
    CHECK(machine.Told(machine.Find("codex")) ==
          Lines{"home/.codex/skills/check: check global, off by home/.codex/config.toml"});
  }

  TEST_CASE("what switches skills off is read whole, however long it is") {
    struct Case {
      const char* name;
      const char* platform;
      const char* skill;  // its folder
      const char* file;
      std::string before;
      std::string (*entry)(size_t i);
      std::string last, after;
      Lines want, codes = {};
    };
    const auto name = [](size_t i) { return "\"x" + std::to_string(i) + "\""; };
    const auto off = [](size_t i) {
      return "\"x" + std::to_string(i) + R"(": {"enabled": false})";
    };
    const auto rule = [](size_t i) { return "\"!~~/repo/x" + std::to_string(i) + "/\""; };
    const auto word = [](size_t i) { return "\"x" + std::to_string(i) + "\": \"allow\""; };
    const auto path = [](size_t i) { return "\"~~/none" + std::to_string(i) + "\""; };
    const Case cases[] = {
        {"rules of an extension",
         "gemini",
         "home/.gemini/extensions/acme/skills/check",
         "home/.gemini/extensions/extension-enablement.json",
         R"({"acme": {"overrides": [)",
         rule,
         R"("!~~/*")",
         "]}}",
         {"home/.gemini/extensions/acme/skills/check: check system of acme, off by "
          "home/.gemini/extensions/extension-enablement.json"}},
        {"permissions",
         "opencode",
         "home/.agents/skills/check",
         "home/.config/opencode/opencode.json",
         R"({"permission": {"skill": {)",
         word,
         R"("ch*": "deny")",
         "}}}",
         {"home/.agents/skills/check: check global, off by home/.config/opencode/opencode.json"}},
        {"permissions, of which the first is for all",
         "opencode",
         "home/.agents/skills/check",
         "home/.config/opencode/opencode.json",
         R"({"permission": {"skill": {"*": "deny",)",
         word,
         R"("y": "allow")",
         "}}}",
         {"home/.agents/skills/check: check global, off by home/.config/opencode/opencode.json"}},
        {"names, the last of them",
         "gemini",
         "home/.agents/skills/check",
         "home/.gemini/settings.json",
         R"({"skills": {"disabled": [)",
         name,
         R"("check")",
         "]}}",
         {"home/.agents/skills/check: check global, off by home/.gemini/settings.json"}},
        {"names, the first of them",
         "qwen",
         "home/.agents/skills/check",
         "home/.qwen/settings.json",
         R"({"skills": {"disabled": ["check",)",
         name,
         R"("y")",
         "]}}",
         {"home/.agents/skills/check: check global, off by home/.qwen/settings.json"}},
        {"entries, the first of them",
         "openclaw",
         "home/.agents/skills/check",
         "home/.openclaw/openclaw.json",
         R"({"skills": {"entries": {"check": {"enabled": false},)",
         off,
         R"("y": {})",
         "}}}",
         {"home/.agents/skills/check: check global, off by home/.openclaw/openclaw.json"}},
        {"words, the last of them",
         "pi",
         "home/.agents/skills/check",
         "home/.pi/agent/settings.json",
         R"({"skills": [)",
         [](size_t i) { return "\"!x" + std::to_string(i) + "\""; },
         R"("!skills/check")",
         "]}",
         {"home/.agents/skills/check: check global, off by home/.pi/agent/settings.json"},
         {"TOO_MANY_ENTRIES"}},
        {"folders",
         "opencode",
         "shelf/check",
         "home/.config/opencode/opencode.json",
         R"({"skills": {"paths": [)",
         path,
         R"("~~/shelf")",
         "]}}",
         {"shelf/check: check global"},
         {"TOO_MANY_ENTRIES"}},
        {"words about a package",
         "pi",
         "home/.pi/kit/skills/check",
         "home/.pi/agent/settings.json",
         R"({"packages": [{"source": "../kit", "autoload": false, "skills": ["skills/*",)",
         path,
         R"("-skills/check")",
         "]}]}",
         {"home/.pi/kit/skills/check: check global, off by home/.pi/agent/settings.json"}},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const Machine machine;
      machine.Skill(c.skill);
      machine.Write({"home/.gemini/extensions/acme/gemini-extension.json",
                     R"({"name": "acme", "version": "1.0.0"})"});
      std::string bytes = c.before;
      for (size_t i = 0; i < 1200; ++i) bytes += c.entry(i) + ",";
      machine.Write({c.file, bytes + c.last + c.after});
      const Discovery found = machine.Find(c.platform);
      CHECK(machine.Told(found) == c.want);
      CHECK(Codes(found.problems) == c.codes);
    }
  }
}

}  // namespace selftune::skillfs
