#include "skillfs/packages.h"

#include <string>

#include "base/file.h"
#include "skillfs/replicas.h"

namespace selftune::skillfs {
namespace {

// The real folder of what brought a root along; "" = nothing did, or not from where the
// host puts such.
std::string RealPackage(const NamedRoot& root, DiskCache& disk) {
  if (root.plugin.empty() || root.plugin_dir.empty()) return "";
  const std::string& real = disk.RealFolder(root.plugin_dir);
  if (real.empty() || root.plugin_home.empty()) return real;
  const std::string& home = disk.RealFolder(root.plugin_home);
  return !home.empty() && IsBelow(real, home) ? real : "";
}

}  // namespace

Packages::Packages(std::span<const HostSkillRules> hosts, DiskCache& disk) {
  for (const HostSkillRules& host : hosts) {
    for (const NamedRoot& root : host.named_roots) Add(root, disk);
  }
}

void Packages::Add(const NamedRoot& root, DiskCache& disk) {
  std::string folder = RealPackage(root, disk);
  if (!folder.empty()) by_folder_.try_emplace(std::move(folder), &root);
}

const NamedRoot* Packages::Around(std::string_view real_path) const {
  for (std::string_view folder = base::DirName(real_path); folder.size() > 1;
       folder = base::DirName(folder)) {
    if (const auto it = by_folder_.find(folder); it != by_folder_.end()) return it->second;
  }
  return nullptr;
}

bool IsManaged(std::string_view scope, std::string_view real_path, bool in_package) {
  return in_package || scope == "admin" || scope == "system" || IsPackagePath(real_path);
}

}  // namespace selftune::skillfs
