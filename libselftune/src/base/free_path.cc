#include "base/free_path.h"

#include <sys/stat.h>

#include <string>
#include <string_view>

namespace selftune::base {
namespace {

bool IsFree(const std::string& path) {
  struct stat found{};
  return ::lstat(path.c_str(), &found) != 0;
}

}  // namespace

std::string NumberedPath(const std::string& wanted, int n, std::string_view between) {
  return n < 2 ? wanted : wanted + std::string(between) + std::to_string(n);
}

std::string FreePath(const std::string& wanted, std::string_view between, std::string_view also) {
  for (int n = 1;; ++n) {
    std::string path = NumberedPath(wanted, n, between);
    if (IsFree(path) && (also.empty() || IsFree(path + std::string(also)))) return path;
  }
}

}  // namespace selftune::base
