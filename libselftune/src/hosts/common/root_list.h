// Folders of skills that settings name, and how much is done to find them.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/string_map.h"
#include "skillfs/discovery.h"

namespace selftune::hosts {

// How much the settings that hold in one place may have done for them: a cloned
// repository may name any packages, patterns and folders, and their products.
class Effort {
 public:
  // In characters compared. A folder that is looked at or named is worth a thousand.
  static constexpr size_t kMost = 10'000'000;
  static constexpr size_t kFolder = 1000;

  void Spend(size_t effort) { spent_ += effort; }
  [[nodiscard]] bool used_up() const { return spent_ >= kMost; }
  [[nodiscard]] size_t left() const { return used_up() ? 0 : kMost - spent_; }

 private:
  size_t spent_ = 0;
};

// Each folder once for all that is said of it, with its best rank. Not thread-safe.
class RootList {
 public:
  // For settings that hold in a project, "" = for all sessions; stays where it is. The
  // first file of settings is told when it is used up.
  [[nodiscard]] Effort& EffortFor(const std::string& project_root, const std::string& settings);
  // Nothing happens once the effort for its project is used up.
  void Add(skillfs::NamedRoot root);

  // What was found; adds to `problems` whose effort is used up.
  [[nodiscard]] std::vector<skillfs::NamedRoot> Take(
      std::vector<skillfs::DiscoveryProblem>& problems) &&;

 private:
  struct Part {
    Effort effort;
    std::string settings;
  };

  std::map<std::string, Part> parts_;  // by project
  base::StringMap<size_t> known_;      // by what is said
  std::vector<skillfs::NamedRoot> roots_;
};

}  // namespace selftune::hosts
