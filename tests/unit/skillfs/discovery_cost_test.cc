// What finding skills costs where settings are large, hostile or many: counted, not timed.
#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "base/env.h"
#include "base/file.h"
#include "hosts/common/path_rules.h"
#include "hosts/common/root_list.h"
#include "hosts/gemini/extensions.h"
#include "hosts/installed_skills.h"
#include "hosts/opencode/skill_paths.h"
#include "hosts/pi/skill_entries.h"
#include "hosts/qwen/extensions.h"
#include "named_roots_machine.h"
#include "skillfs/discovery_roots.h"
#include "support/temp_dir.h"

namespace selftune::skillfs {
namespace {

using named_roots::Codes;
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
      const hosts::PatternMatch match = hosts::RuleHolds(one.rule, dir);
      CHECK(match.steps > 0);
      CHECK(match.steps <= one.most);
    }
  }

  TEST_CASE("qwen: extensions times folders of sessions have an end, and that is told") {
    const testing::TempDir dir;
    std::string policies;
    constexpr int kExtensions = 100;
    for (int i = 0; i < kExtensions; ++i) {
      const std::string name = "ext-" + std::to_string(i);
      dir.Write("home/.qwen/extensions/" + name + "/qwen-extension.json",
                R"({"name": ")" + name + "\"}");
      policies += (i == 0 ? "\"" : ", \"") + std::to_string(i) + R"(": {"name": ")" + name +
                  R"(", "defaultActivation": "disabled"})";
    }
    const std::string state = dir / "home/.qwen/extension-store/state.json";
    dir.Write("home/.qwen/extension-store/state.json", R"({"extensions": {)" + policies + "}}");
    const auto roots = [&](size_t sessions, std::vector<DiscoveryProblem>& problems) {
      Lines dirs;
      for (size_t i = 0; i < sessions; ++i) dirs.push_back("/srv/" + std::to_string(i));
      return hosts::qwen::ExtensionSkillRoots(
          {.home = dir / "home", .config_dir = dir / "home/.qwen", .project_dirs = dirs}, problems);
    };
    std::vector<DiscoveryProblem> problems;
    for (const NamedRoot& root : roots(1000, problems)) CHECK(root.disabled_by == state);
    CHECK(problems.empty());
    size_t told = 0, unknown = 0;
    for (const NamedRoot& root : roots(20'000, problems)) {
      told += root.disabled_by.empty() ? 0 : 1;
      unknown += root.unknown_in.empty() && root.unknown_by.empty() ? 0 : 1;
    }
    // What one look costs, and no more of them than that.
    CHECK(told <= hosts::Effort::kMost / 10 / 20'000 + 1);
    CHECK(told + unknown >= kExtensions);
    CHECK(Codes(problems) == Lines{"TOO_MANY_ENTRIES"});
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
}

}  // namespace selftune::skillfs
