// What finding skills costs where settings are large, hostile or many: counted, not timed.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "base/env.h"
#include "base/file.h"
#include "hosts/gemini/extensions.h"
#include "hosts/installed_skills.h"
#include "named_roots_machine.h"
#include "skillfs/discovery_roots.h"
#include "support/temp_dir.h"

namespace selftune::skillfs {
namespace {

using named_roots::Lines;
using named_roots::Machine;

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

  TEST_CASE("where the last entry of a list counts it is read, however many come before it") {
    struct Case {
      const char* name;
      const char* platform;
      const char* skill;  // its folder
      const char* file;
      std::string before;
      std::string (*entry)(size_t i);
      std::string last, after;
      Lines want;
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
        {"folders",
         "opencode",
         "shelf/check",
         "home/.config/opencode/opencode.json",
         R"({"skills": {"paths": [)",
         path,
         R"("~~/shelf")",
         "]}}",
         {"shelf/check: check global"}},
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
      REQUIRE(found.problems.size() == 1);
      CHECK(found.problems[0].code == "TOO_MANY_ENTRIES");
      CHECK(found.problems[0].message.find("the last 1000 are read") != std::string::npos);
    }
  }
}

}  // namespace selftune::skillfs
