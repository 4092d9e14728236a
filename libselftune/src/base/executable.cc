#include "base/executable.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "base/strings.h"

namespace selftune::base {
namespace {

bool IsExecutableFile(const std::string& path) {
  struct stat st;
  return stat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode) && access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::string FindExecutable(std::string_view name, std::string_view path_list) {
  if (name.empty()) return {};
  if (name.find('/') != std::string_view::npos) {
    const std::string path(name);
    return name.starts_with('/') && IsExecutableFile(path) ? path : std::string();
  }
  for (const std::string_view dir : Split(path_list, ':')) {
    // Entries relative to the current directory would run what a project ships.
    if (!dir.starts_with('/')) continue;
    std::string path(dir);
    if (!path.ends_with('/')) path += '/';
    path += name;
    if (IsExecutableFile(path)) return path;
  }
  return {};
}

}  // namespace selftune::base
