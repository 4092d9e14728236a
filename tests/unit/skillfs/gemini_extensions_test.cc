// Skills of Gemini CLI's extensions, and which of these are off or kept out where.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "hosts/common/path_rules.h"
#include "hosts/gemini/extension_rules.h"
#include "hosts/gemini/extensions.h"
#include "named_roots_machine.h"
#include "support/temp_dir.h"

namespace selftune {
namespace {

using named_roots::CheckAll;
using named_roots::File;
using named_roots::Lines;
using named_roots::Machine;

constexpr const char* kManifest = R"({"name": "acme", "version": "1.0.0"})";

}  // namespace

TEST_SUITE("skillfs/gemini extensions") {
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

  TEST_CASE("gemini: extensions that security settings keep out") {
    const std::string ext = "home/.gemini/extensions/acme/";
    const std::string found = ext + "skills/check: check system of acme";
    const char* const own = "home/.gemini/settings.json";
    const char* const theirs = "repo/src/.gemini/settings.json";
    const auto only = [](const char* file, const std::string& list) {
      return File{file, R"({"security": {"allowedExtensions": [)" + list + "]}}"};
    };
    const File block{own, R"({"security": {"blockGitExtensions": true}})"};
    const std::string off = found + ", off by " + own;
    const auto check = [&](const char* name, const char* install, const std::vector<File>& files,
                           const std::string& want, bool told = false) {
      CAPTURE(name);
      const Machine machine;
      machine.Skill(ext + "skills/check");
      machine.Write({ext + "gemini-extension.json", kManifest});
      if (*install != '\0') machine.Write({ext + ".gemini-extension-install.json", install});
      for (const File& file : files) machine.Write(file);
      const skillfs::Discovery discovery = machine.Find("gemini");
      CHECK(machine.Told(discovery) == Lines{want});
      REQUIRE(discovery.problems.size() == (told ? 1 : 0));
      if (told) CHECK(discovery.problems[0].code == "PATTERN_UNKNOWN");
    };
    const char* const git = R"({"source": "https://github.com/acme/kit", "type": "git"})";
    const char* const local = R"({"source": "~~/dev/acme", "type": "local"})";
    check("from git", git, {}, found);
    check("from git, which is blocked", git, {block}, off);
    check("a release of GitHub too",
          R"({"source": "https://github.com/acme/kit", "type": "github-release"})", {block}, off);
    check("from a folder", local, {block}, found);
    check("nobody knows from where", "", {block}, found);
    check("a list lets it in, whatever is blocked", git,
          {{own, R"({"security": {"blockGitExtensions": true,
                                  "allowedExtensions": ["github\\.com/acme/"]}})"}},
          found);
    check("a list lets others in", git, {only(own, R"("github\\.com/zoo/", "^/srv")")}, off);
    check("an empty list is none", git, {only(own, "")}, found);
    check("a folder by its path", local, {only(own, R"("^~~/dev/.*$")")}, found);
    check("what has no address is not let in", "", {only(own, R"(".*")")}, off);
    check("a project's list is for sessions in it", git, {only(theirs, R"("zoo")")},
          found + ", off in repo/src by " + theirs);
    check("and takes the place of the person's", git,
          {only(own, R"("zoo")"), only(theirs, R"("acme")")}, found + ", off in other by " + own);
    check("above a session it is none", git, {only("repo/.gemini/settings.json", R"("zoo")")},
          found);
    check("a pattern with other signs: not known, and told", git, {only(own, "\"(zoo|acme)\"")},
          found + ", unknown by " + own, /*told=*/true);
    check("not known elsewhere than where it is let in", git,
          {only(own, "\"(zoo|acme)\""), only(theirs, R"("acme")")},
          found + ", unknown in other by " + own + ", unknown in home by " + own, /*told=*/true);
    check("unless another lets it in", git, {only(own, "\"(zoo|acme)\", \"acme\"")}, found);
  }

  TEST_CASE("gemini: the machine's settings count most, its defaults least") {
    const testing::TempDir dir;
    dir.Write("home/.gemini/extensions/acme/gemini-extension.json", kManifest);
    dir.Write("home/.gemini/extensions/acme/.gemini-extension-install.json",
              R"({"source": "https://github.com/acme/kit", "type": "git"})");
    const auto off = [&](const char* defaults, const char* own, const char* machine) {
      const auto block = [&](const char* file, const char* word) {
        dir.Write(file, std::string(R"({"security": {"blockGitExtensions": )") + word + "}}");
      };
      block("root/etc/gemini-cli/system-defaults.json", defaults);
      block("home/.gemini/settings.json", own);
      block("root/etc/gemini-cli/settings.json", machine);
      std::vector<skillfs::DiscoveryProblem> problems;
      const std::vector<skillfs::NamedRoot> roots =
          hosts::gemini::ExtensionSkillRoots({.home = dir / "home",
                                              .config_dir = dir / "home/.gemini",
                                              .project_dirs = {},
                                              .absolute_root = dir / "root"},
                                             problems);
      REQUIRE(roots.size() == 1);
      const std::string& by = roots[0].disabled_by;
      return by.empty() ? by : by.substr(dir.path().size() + 1);
    };
    CHECK(off("true", "null", "null") == "root/etc/gemini-cli/system-defaults.json");
    CHECK(off("true", "false", "null").empty());
    CHECK(off("false", "true", "null") == "home/.gemini/settings.json");
    CHECK(off("false", "true", "false").empty());
    CHECK(off("false", "false", "true") == "root/etc/gemini-cli/settings.json");
  }

  TEST_CASE("gemini: what a pattern of security settings finds") {
    struct Pattern {
      const char* pattern;
      const char* text;
      std::optional<bool> found;
    };
    const Pattern patterns[] = {
        {"acme", "/srv/acme/kit", true},
        {"^/srv", "/srv/acme", true},
        {"^acme", "/srv/acme", false},
        {"acme$", "/srv/acme", true},
        {"acme$", "/srv/acme/kit", false},
        {"^/srv/acme$", "/srv/acme", true},
        {"", "/srv", true},
        {"^$", "", true},
        {"^$", "a", false},
        {R"(github\.com\/acme)", "https:/github.com/acme", true},
        {R"(github\.com)", "githubxcom", false},
        {"github.com", "githubxcom", true},
        {"https?:", "http:/x", true},
        {"ac+me", "accme", true},
        {"ac+me", "ame", false},
        {"ac*me", "ame", true},
        {"^/.*/kit$", "/a/b/kit", true},
        {"^/.*?/kit", "/a/kit/x", true},
        {"a.*b.*c", "xaxbxcx", true},
        {"a.*c.*b", "xaxbxcx", false},
        {R"(\d)", "1", std::nullopt},
        {"(a|b)", "a", std::nullopt},
        {"[ab]", "a", std::nullopt},
        {"a{2}", "aa", std::nullopt},
        {"*a", "a", std::nullopt},
        {"a$b", "ab", std::nullopt},
        {"a\\", "a", std::nullopt},
    };
    for (const Pattern& one : patterns) {
      CAPTURE(one.pattern);
      CAPTURE(one.text);
      CHECK(hosts::gemini::Finds(one.pattern, one.text) == one.found);
    }
    // More of them than people write would cost more than anybody waits.
    std::string many;
    for (int i = 0; i < 21; ++i) many += "a*";
    CHECK(hosts::gemini::Finds(many, "aaa") == std::nullopt);
    CHECK(hosts::gemini::Finds(many.substr(2), "aaa") == true);
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
      CHECK(hosts::RuleHolds(one.rule, one.dir).holds == one.holds);
    }
  }
}

}  // namespace selftune
