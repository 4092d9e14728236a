#include "capi/skill_folder.h"

#include <sys/stat.h>

#include <string>

#include "base/file.h"

namespace selftune::capi {

std::string RealFolder(const std::string& folder) {
  std::string rest;
  for (std::string dir = folder; dir.size() > 1; dir = std::string(base::DirName(dir))) {
    if (const auto real = base::RealPath(dir); real.ok()) return *real + rest;
    rest = "/" + std::string(base::BaseName(dir)) + rest;
  }
  return folder;
}

bool IsLink(const std::string& path) {
  struct stat info;
  return ::lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
}

}  // namespace selftune::capi
