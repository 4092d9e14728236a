// The roots of one host, resolved to folders that exist.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "skillfs/discovery.h"
#include "skillfs/skill_walk.h"
#include "skillfs/work_trees.h"

namespace selftune::skillfs {

struct ResolvedRoot {
  std::string path;        // of a folder that several name one of those paths, see ResolveRoots
  std::string real;        // the folder itself
  std::string_view scope;  // of files that no package looks after
  std::string_view level = kLevelUser;
  std::string project_root;  // "" = visible everywhere
  std::string package;       // the folder of the package that names it, "" = none does
  std::string prefix;        // its skills are called `prefix:skill`, "" = as they are
  int precedence = 0;
  WalkOptions walk;
  std::string disabled_by;
  std::vector<ProjectSwitch> disabled_in;
  std::string unknown_by;
  std::vector<ProjectSwitch> unknown_in;
  size_t order = 0;  // among roots of equal precedence
};

// What was already seen on the disk: hosts share folders, and so do the
// working directories of one repository and projects that link one folder.
class DiskCache {
 public:
  // Of the folders that one project or one package names, and of those of the person, so much
  // is read (SkillWalk::effort): a repository or a package may name any. It uses up its own part.
  static constexpr size_t kMostEffort = 20'000;

  explicit DiskCache(WorkTrees work_trees, size_t most = kMostEffort)
      : work_trees_(std::move(work_trees)), most_(most) {}

  // The real path of a folder; "" if there is none. A folder that cannot be
  // looked at stands for itself, so that the walk tells why.
  [[nodiscard]] const std::string& RealFolder(const std::string& path);
  [[nodiscard]] std::string WorkTree(const std::string& dir) { return work_trees_.RootOf(dir); }
  // Of a real folder, on behalf of a project or a package, "" = of the person; its paths begin
  // with that folder.
  [[nodiscard]] const SkillWalk& Walk(const std::string& real, WalkOptions options,
                                      const std::string& part);
  // All that was read, for everybody.
  [[nodiscard]] size_t effort() const { return effort_; }

 private:
  // Node-based: references stay valid.
  std::map<std::string, std::string, std::less<>> folders_;
  WorkTrees work_trees_;
  size_t most_;
  std::map<std::string, SkillWalk, std::less<>> walks_;
  std::map<std::string, size_t, std::less<>> efforts_;  // by part
  size_t effort_ = 0;
};

// By precedence; equal ones in the order of the rows, nearer project folders
// first. Roots that are the same real folder have the same path: the first that all
// sessions see, else the first of the project. What they say of the skills in there is
// put together for each file (named_twice.h).
[[nodiscard]] std::vector<ResolvedRoot> ResolveRoots(const HostSkillRules& host,
                                                     const DiscoveryRequest& request,
                                                     DiskCache& disk);

}  // namespace selftune::skillfs
