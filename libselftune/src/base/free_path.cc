#include "base/free_path.h"

#include <string>
#include <string_view>

#include "base/file.h"

namespace selftune::base {

std::string NumberedPath(const std::string& wanted, int n, std::string_view between) {
  return n < 2 ? wanted : wanted + std::string(between) + std::to_string(n);
}

std::string FreePath(const std::string& wanted, std::string_view between, std::string_view also) {
  for (int n = 1;; ++n) {
    std::string path = NumberedPath(wanted, n, between);
    if (!HasEntry(path) && (also.empty() || !HasEntry(path + std::string(also)))) return path;
  }
}

}  // namespace selftune::base
