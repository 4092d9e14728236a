// Where each host looks for skills, and which of two equal names it takes: the
// tables of hosts/<id>/row.cc, tried out on a disk, and docs/hosts.md, which
// shows them to people.
#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/env.h"
#include "base/strings.h"
#include "hosts/installed_skills.h"
#include "hosts/registry.h"
#include "support/temp_dir.h"
#include "support/test_files.h"

namespace selftune {
namespace {

namespace fs = std::filesystem;
using hosts::HostRow;
using hosts::SkillRoot;
using Base = SkillRoot::Base;

// As people write it: "~" is the home, "." the working directory and each
// folder above it up to the root of the repository, "<here>" the working
// directory alone.
std::string Shown(const HostRow& host, const SkillRoot& root) {
  switch (root.base) {
    case Base::kHome:
      return fmt::format("~/{}", root.path);
    case Base::kConfigDir:
      return fmt::format("~/{}/{}", host.config_default, root.path);
    case Base::kProjectUp:
      return fmt::format("./{}", root.path);
    case Base::kProjectOnly:
      return fmt::format("<repository>/{}", root.path);
    case Base::kProjectHere:
      return fmt::format("<here>/{}", root.path);
    case Base::kAbsolute:
      break;
  }
  return std::string(root.path);
}

// The roots of a host, the first to win first.
std::vector<std::string> RootsOf(const HostRow& host) {
  std::vector<const SkillRoot*> roots;
  for (const SkillRoot& root : host.skill_roots) roots.push_back(&root);
  std::stable_sort(roots.begin(), roots.end(), [](const SkillRoot* a, const SkillRoot* b) {
    return a->precedence < b->precedence;
  });
  std::vector<std::string> out;
  for (const SkillRoot* root : roots) out.push_back(Shown(host, *root));
  return out;
}

struct Expected {
  const char* platform;
  bool shadow;  // the first hides the others
  std::vector<std::string> roots;
};

// From the hosts' own behaviour and documentation, not from the rows. Where in a
// repository they look was tried out with the programs: tests/hosts/real_roots_test.py.
const std::vector<Expected>& Table() {
  static const std::vector<Expected> table = {
      {"claude_code",
       true,
       {"/etc/claude-code/.claude/skills", "~/.claude/skills", "./.claude/skills"}},
      {"codex",
       false,
       {"./.codex/skills", "~/.codex/skills", "~/.agents/skills", "~/.codex/skills/.system",
        "./.agents/skills", "/etc/codex/skills"}},
      {"opencode",
       false,
       {"~/.opencode/skill", "~/.opencode/skills", "./.opencode/skill", "./.opencode/skills",
        "~/.config/opencode/skill", "~/.config/opencode/skills", "./.claude/skills",
        "./.agents/skills", "~/.claude/skills", "~/.agents/skills"}},
      {"openclaw",
       true,
       {"~/.openclaw/workspace/skills", "~/.openclaw/workspace/.agents/skills", "~/.agents/skills",
        "~/.openclaw/skills"}},
      {"cline",
       false,
       {"<repository>/.clinerules/skills", "<repository>/.cline/skills",
        "<repository>/.agents/skills", "~/.cline/skills", "~/.agents/skills"}},
      {"pi",
       true,
       {"<here>/.pi/skills", "./.agents/skills", "~/.pi/agent/skills", "~/.agents/skills"}},
      {"gemini",
       true,
       {"<here>/.agents/skills", "<here>/.gemini/skills", "~/.agents/skills", "~/.gemini/skills"}},
      {"copilot",
       false,
       {"./.github/skills", "./.agents/skills", "./.claude/skills", "~/.copilot/skills",
        "~/.agents/skills"}},
      {"qwen",
       false,
       {"<here>/.qwen/skills", "<here>/.agents/skills", "~/.qwen/skills", "~/.agents/skills"}},
  };
  return table;
}

bool IsOfProject(std::string_view shown) { return !shown.starts_with('~') && shown[0] != '/'; }

// Whether a session in a folder of a repository looks there: in its own folder, or, `up`, in
// the one above, which is the root of the repository.
bool IsLookedAt(std::string_view shown, bool up) {
  if (shown.starts_with("<here>")) return !up;
  if (shown.starts_with("<repository>")) return up;
  return true;
}

// A home with a repository in it; the working directory is a folder of that.
struct Disk {
  testing::TempDir dir;
  std::string work = dir / "home/repo/src";

  Disk() {
    dir.Write("home/repo/.git/HEAD", "ref: refs/heads/main\n");
    dir.Write("home/repo/src/a", "");
  }

  // The folder that a root of the table means here; `up`: above the working directory.
  [[nodiscard]] std::string Folder(std::string_view shown, bool up) const {
    if (shown.starts_with("~/")) return dir / ("home/" + std::string(shown.substr(2)));
    if (!IsOfProject(shown)) return dir / ("root" + std::string(shown));
    return dir /
           ((up ? "home/repo" : "home/repo/src") + std::string(shown.substr(shown.find('/'))));
  }
  void Skill(std::string_view shown, bool up, std::string_view name, std::string_view text) const {
    const std::string path = Folder(shown, up) + "/" + std::string(name) + "/SKILL.md";
    dir.Write(path.substr(dir.path().size() + 1),
              fmt::format("---\nname: {}\ndescription: {}\n---\nx\n", name, text));
  }
  [[nodiscard]] skillfs::Discovery Find(std::string_view platform) const {
    base::Environment env;
    env.Set("HOME", dir / "home");
    const std::vector<std::string> projects = {work};
    skillfs::DiscoveryRequest request = hosts::DiscoveryFor(env, projects);
    request.absolute_root = dir / "root";
    std::erase_if(request.hosts, [&](const auto& host) { return host.platform != platform; });
    return skillfs::DiscoverSkills(request);
  }
};

// Placements of all skills by path.
std::map<std::string, skillfs::SkillPlacement> PlacementsOf(const skillfs::Discovery& found) {
  std::map<std::string, skillfs::SkillPlacement> out;
  for (const skillfs::InstalledSkill& skill : found.skills) {
    for (const skillfs::SkillPlacement& place : skill.placements) out[place.path] = place;
  }
  return out;
}

}  // namespace

TEST_SUITE("skillfs/host roots") {
  TEST_CASE("every host looks where the table says, in that order") {
    CHECK(Table().size() == hosts::Rows().size());
    for (const Expected& expected : Table()) {
      CAPTURE(expected.platform);
      const HostRow* host = hosts::FindRow(expected.platform);
      REQUIRE(host != nullptr);
      CHECK(RootsOf(*host) == expected.roots);
      CHECK(host->equal_names_shadow == expected.shadow);
    }
  }

  TEST_CASE("a skill in each of the folders is found; of equal names the first stands") {
    for (const Expected& expected : Table()) {
      CAPTURE(expected.platform);
      for (const bool up : {false, true}) {
        const Disk disk;
        for (const std::string& root : expected.roots) disk.Skill(root, up, "same", "From " + root);
        const auto places = PlacementsOf(disk.Find(expected.platform));
        std::vector<std::string> roots = expected.roots;
        std::erase_if(roots, [&](const std::string& root) { return !IsLookedAt(root, up); });
        CHECK(places.size() == roots.size());
        const std::string winner = disk.Folder(roots.front(), up) + "/same/SKILL.md";
        for (const std::string& root : roots) {
          CAPTURE(root);
          const auto place = places.find(disk.Folder(root, up) + "/same/SKILL.md");
          REQUIRE(place != places.end());
          REQUIRE(places.contains(winner));
          CHECK(place->second.platform == expected.platform);
          // Two folders of one rank stand beside each other; a project's skill
          // hides nothing where it is not seen.
          const skillfs::SkillPlacement& first = places.at(winner);
          const bool beaten = expected.shadow && place->second.precedence > first.precedence;
          const bool seen = place->second.project_root == first.project_root;
          if (!beaten) CHECK(place->second.shadowed_by.empty());
          if (beaten && (seen || first.project_root.empty())) {
            CHECK(!place->second.shadowed_by.empty());
          }
          CHECK(place->second.project_root.empty() == !IsOfProject(root));
        }
      }
    }
  }

  TEST_CASE("links and copies of one SKILL.md are one skill with several places") {
    for (const Expected& expected : Table()) {
      CAPTURE(expected.platform);
      const Disk disk;
      std::vector<std::string> roots;
      for (const std::string& root : expected.roots) {
        if (root.starts_with("~/") && !root.ends_with(".system")) roots.push_back(root);
      }
      for (const std::string& root : expected.roots) {
        if (IsOfProject(root) && IsLookedAt(root, false)) roots.push_back(root);
      }
      REQUIRE(roots.size() >= 2);
      disk.Skill(roots[0], false, "one", "The only one.");
      const std::string second = disk.Folder(roots[1], false);
      fs::create_directories(second);
      fs::create_directory_symlink(disk.Folder(roots[0], false) + "/one", second + "/one");
      const skillfs::Discovery linked = disk.Find(expected.platform);
      REQUIRE(linked.skills.size() == 1);  // one file
      CHECK(linked.skills[0].placements.size() == 2);
      fs::remove(second + "/one");
      disk.Skill(roots[1], false, "one", "The only one.");
      const skillfs::Discovery copied = disk.Find(expected.platform);
      REQUIRE(copied.skills.size() == 2);  // two files of one name and one content
      CHECK(copied.skills[0].name == copied.skills[1].name);
      CHECK(copied.skills[0].sha256 == copied.skills[1].sha256);
    }
  }

  TEST_CASE("docs/hosts.md shows the folders of every host, in their order") {
    const std::string page = testing::ReadWhole(testing::TestsDir() + "/../docs/hosts.md");
    for (const HostRow& host : hosts::Rows()) {
      CAPTURE(host.platform);
      std::string cell;
      for (const std::string& root : RootsOf(host)) {
        cell += fmt::format("{}`{}`", cell.empty() ? "" : ", ", root);
      }
      CHECK(page.find(fmt::format("| {} | {} |", host.title, cell)) != std::string::npos);
    }
  }
}

}  // namespace selftune
