// A home folder, projects and skills on a disk of their own, and what an agent finds there.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "base/env.h"
#include "base/file.h"
#include "hosts/installed_skills.h"
#include "skillfs/discovery.h"

namespace selftune::skillfs::testing {

// A home folder in a temporary place, removed at the end.
class FakeMachine {
 public:
  FakeMachine() {
    const char* tmp = std::getenv("TMPDIR");
    auto dir = base::MakeTempDir(tmp == nullptr ? "/tmp" : tmp, "selftune-discovery-");
    REQUIRE(dir.ok());
    auto real = base::RealPath(*dir);
    REQUIRE(real.ok());
    root = *real;
    env.Set("HOME", root + "/home");
    Dir("home");
  }
  ~FakeMachine() { (void)base::RemoveTree(root); }
  FakeMachine(const FakeMachine&) = delete;
  FakeMachine& operator=(const FakeMachine&) = delete;

  void Dir(const std::string& path) { REQUIRE(base::MakeDirs(Path(path), 0755).ok()); }
  void File(const std::string& path, std::string_view bytes) {
    REQUIRE(base::MakeDirs(std::string(base::DirName(Path(path))), 0755).ok());
    REQUIRE(base::WriteFileAtomic(Path(path), bytes, 0644).ok());
  }
  // A skill in `folder` with that frontmatter name.
  void Skill(const std::string& folder, std::string_view name, std::string_view more = "") {
    File(folder + "/SKILL.md", "---\nname: " + std::string(name) + "\ndescription: about " +
                                   std::string(name) + "\n" + std::string(more) + "---\n");
  }
  void Link(const std::string& target, const std::string& path) {
    REQUIRE(base::MakeDirs(std::string(base::DirName(Path(path))), 0755).ok());
    REQUIRE(symlink(target.c_str(), Path(path).c_str()) == 0);
  }
  [[nodiscard]] std::string Path(const std::string& path) const { return root + "/" + path; }

  [[nodiscard]] Discovery Find(std::string_view platform,
                               const std::vector<std::string>& projects = {}) const {
    std::vector<std::string> dirs;
    for (const std::string& project : projects) dirs.push_back(Path(project));
    DiscoveryRequest request = hosts::DiscoveryFor(env, dirs);
    request.absolute_root = root;
    hosts::AddSettings(request);
    std::erase_if(request.hosts, [&](const HostSkillRules& host) {
      return !platform.empty() && host.platform != platform;
    });
    return DiscoverSkills(request);
  }

  std::string root;
  base::Environment env;
};

}  // namespace selftune::skillfs::testing
