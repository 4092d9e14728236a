#include "base/free_path.h"

#include <sys/stat.h>

#include <string>

namespace selftune::base {

std::string FreePath(const std::string& wanted) {
  struct stat found{};
  std::string path = wanted;
  for (int n = 2; ::lstat(path.c_str(), &found) == 0; ++n) path = wanted + "." + std::to_string(n);
  return path;
}

}  // namespace selftune::base
