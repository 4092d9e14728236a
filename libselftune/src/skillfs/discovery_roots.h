// The roots of one host, resolved to folders that exist.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "skillfs/discovery.h"

namespace selftune::skillfs {

struct ResolvedRoot {
  std::string path;
  std::string_view scope;
  std::string project_root;  // "" = visible everywhere
  std::string plugin;
  int precedence = 0;
  bool nested = false;
  size_t order = 0;  // among roots of equal precedence
};

// By precedence; equal ones in the order of the rows, nearer project folders
// first. Each real folder once; a project's that is also the person's own (a
// session started in the home folder) counts as the person's.
[[nodiscard]] std::vector<ResolvedRoot> ResolveRoots(const HostSkillRules& host,
                                                     const DiscoveryRequest& request);

}  // namespace selftune::skillfs
