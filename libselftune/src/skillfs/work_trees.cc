#include "skillfs/work_trees.h"

#include <utility>
#include <vector>

#include "base/file.h"

namespace selftune::skillfs {

std::string WorkTrees::RootOf(const std::string& dir) {
  std::vector<std::string> below;
  std::string found;
  for (std::string folder = dir; !folder.empty();) {
    if (const auto it = roots_.find(folder); it != roots_.end()) {
      found = it->second;
      break;
    }
    below.push_back(folder);
    ++asked_;
    if (base::Exists(base::JoinPath(folder, ".git"))) {
      found = folder;
      break;
    }
    std::string parent(base::DirName(folder));
    if (parent == folder) break;
    folder = std::move(parent);
  }
  for (std::string& folder : below) roots_.emplace(std::move(folder), found);
  return found;
}

}  // namespace selftune::skillfs
