// The roots of one host, resolved to folders that exist.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "skillfs/discovery.h"
#include "skillfs/skill_walk.h"

namespace selftune::skillfs {

struct ResolvedRoot {
  std::string path;
  std::string_view scope;
  std::string project_root;  // "" = visible everywhere
  std::string plugin;
  bool prefixed = false;
  int precedence = 0;
  WalkOptions walk;
  std::string disabled_by;
  std::vector<ProjectSwitch> disabled_in;
  size_t order = 0;  // among roots of equal precedence
};

// What was already seen on the disk: hosts share folders, and so do the
// working directories of one repository.
class DiskCache {
 public:
  // The real path of a folder; "" if there is none. A folder that cannot be
  // looked at stands for itself, so that the walk tells why.
  [[nodiscard]] const std::string& RealFolder(const std::string& path);
  // Root of the git work tree that holds `dir`: the nearest folder with `.git`
  // (a folder, or the file of a linked work tree), "" if there is none.
  [[nodiscard]] std::string WorkTree(const std::string& dir);
  [[nodiscard]] const SkillWalk& Walk(const std::string& root, const WalkOptions& options);

 private:
  // Node-based: references stay valid.
  std::map<std::string, std::string, std::less<>> folders_;
  std::map<std::string, std::string, std::less<>> work_trees_;
  std::map<std::string, SkillWalk, std::less<>> walks_;
};

// By precedence; equal ones in the order of the rows, nearer project folders
// first. Each real folder once, with the best rank that it has where it is seen;
// a project's that is also the person's own (a session started in the home
// folder) counts as the person's.
[[nodiscard]] std::vector<ResolvedRoot> ResolveRoots(const HostSkillRules& host,
                                                     const DiscoveryRequest& request,
                                                     DiskCache& disk);

}  // namespace selftune::skillfs
