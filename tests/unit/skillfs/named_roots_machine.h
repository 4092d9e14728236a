// A machine with skills where plugins, packages and settings put them, and what an agent
// finds there, in words.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/env.h"
#include "base/file.h"
#include "hosts/installed_skills.h"
#include "skillfs/discovery.h"
#include "support/temp_dir.h"

namespace selftune::named_roots {

using Lines = std::vector<std::string>;

inline Lines Codes(const std::vector<skillfs::DiscoveryProblem>& problems) {
  Lines out;
  for (const skillfs::DiscoveryProblem& problem : problems) out.push_back(problem.code);
  return out;
}

struct File {
  std::string path;
  std::string bytes;
};

// Sessions ran in repo/src, and in the folder `other` without a repository.
class Machine {
 public:
  Machine() {
    dir_.Write("repo/.git/HEAD", "ref: refs/heads/main\n");
    dir_.Write("repo/src/a", "");
    dir_.Write("other/a", "");
    dir_.Write("home/a", "");
  }

  // `~~` in the bytes is the folder that everything lies in.
  void Write(const File& file) const {
    std::string bytes;
    for (size_t i = 0; i < file.bytes.size(); ++i) {
      if (file.bytes.compare(i, 2, "~~") == 0) {
        bytes += dir_.path();
        ++i;
      } else {
        bytes += file.bytes[i];
      }
    }
    dir_.Write(file.path, bytes);
  }
  void Skill(const std::string& folder) const {
    const std::string name(base::BaseName(folder));
    dir_.Write(folder + "/SKILL.md",
               fmt::format("---\nname: {}\ndescription: About {}.\n---\nx\n", name, name));
  }

  void Link(const std::string& target, const std::string& path) const {
    const std::filesystem::path link = dir_ / path;
    std::filesystem::create_directories(link.parent_path());
    std::filesystem::create_symlink(dir_ / target, link);
  }

  // Of one agent, "" = of all.
  [[nodiscard]] skillfs::Discovery Find(std::string_view platform) const {
    base::Environment env;
    env.Set("HOME", dir_ / "home");
    const std::vector<std::string> projects = {dir_ / "repo/src", dir_ / "other"};
    skillfs::DiscoveryRequest request = hosts::DiscoveryFor(env, projects);
    request.absolute_root = dir_ / "root";
    hosts::AddSettings(request);
    std::erase_if(request.hosts,
                  [&](const auto& host) { return !platform.empty() && host.platform != platform; });
    return skillfs::DiscoverSkills(request);
  }

  // A placement in words, its paths below the machine's folder.
  [[nodiscard]] Lines Told(const skillfs::Discovery& found) const {
    Lines out;
    for (const skillfs::InstalledSkill& skill : found.skills) {
      for (const skillfs::SkillPlacement& place : skill.placements) {
        std::string line =
            fmt::format("{}: {} {}", Short(PlaceOf(place.path)), place.name, place.scope);
        if (!place.plugin.empty()) line += " of " + place.plugin;
        if (!place.project_root.empty()) line += " in " + Short(place.project_root);
        if (!place.shadowed_by.empty()) {
          line += ", behind " + Short(PlaceOf(place.shadowed_by));
        }
        const skillfs::Switches& said = place.switches;
        if (!said.disabled_by.empty()) line += ", off by " + Short(said.disabled_by);
        if (!said.unknown_by.empty()) line += ", unknown by " + Short(said.unknown_by);
        for (const skillfs::ProjectSwitch& in : said.in_projects) {
          constexpr const char* kStates[] = {"on", "unknown", "off"};
          line += fmt::format(", {} in {} by {}", kStates[static_cast<size_t>(in.state)],
                              Short(in.project_root), Short(in.settings));
        }
        out.push_back(std::move(line));
      }
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  [[nodiscard]] std::string Short(std::string_view path) const {
    return std::string(path.starts_with(dir_.path() + "/") ? path.substr(dir_.path().size() + 1)
                                                           : path);
  }

  // The folder of a SKILL.md; another file is all that its skill has.
  [[nodiscard]] static std::string_view PlaceOf(std::string_view path) {
    return base::BaseName(path) == "SKILL.md" ? base::DirName(path) : path;
  }

 private:
  testing::TempDir dir_;
};

struct Case {
  const char* name;
  const char* platform;
  std::vector<const char*> skills;  // their folders
  std::vector<File> files;
  Lines want;
};

inline void CheckAll(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Machine machine;
    for (const char* folder : c.skills) machine.Skill(folder);
    for (const File& file : c.files) machine.Write(file);
    const skillfs::Discovery found = machine.Find(c.platform);
    CHECK(machine.Told(found) == c.want);
    CHECK(found.problems.empty());
  }
}

}  // namespace selftune::named_roots
