// The git work trees around folders.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>

namespace selftune::skillfs {

// Remembers what it saw: for one look at a machine, in which all hosts ask for the same
// working directories and their parents. Not thread-safe.
class WorkTrees {
 public:
  // The nearest folder with `.git` (a folder, or the file of a linked work tree), `dir`
  // itself or above; "" if there is none.
  [[nodiscard]] std::string RootOf(const std::string& dir);
  // How often the disk was asked for a `.git`.
  [[nodiscard]] size_t asked() const { return asked_; }

 private:
  std::map<std::string, std::string, std::less<>> roots_;
  size_t asked_ = 0;
};

}  // namespace selftune::skillfs
