#include "status/skill_folders.h"

#include <algorithm>
#include <utility>

#include "base/file.h"
#include "hosts/registry.h"

namespace selftune::status {

using skillfs::SkillRoot;

SkillFolders::SkillFolders(const base::Environment& env) {
  for (const hosts::HostRow& row : hosts::Rows()) {
    const std::string config = hosts::ConfigDir(row, env);
    Host host{.platform = row.platform, .folders = {}, .endings = {}, .plugins = {}};
    for (const SkillRoot& root : row.skill_roots) {
      switch (root.base) {
        case SkillRoot::Base::kHome:
          host.folders.push_back(base::JoinPath(env.Home(), root.path));
          break;
        case SkillRoot::Base::kConfigDir:
          host.folders.push_back(base::JoinPath(config, root.path));
          break;
        case SkillRoot::Base::kAbsolute:
          host.folders.emplace_back(root.path);
          break;
        case SkillRoot::Base::kProjectUp:
        case SkillRoot::Base::kProjectOnly:
        case SkillRoot::Base::kProjectHere:
          host.endings.push_back("/" + std::string(root.path));
          break;
      }
    }
    if (!config.empty()) host.plugins = config + "/plugins/";
    hosts_.push_back(std::move(host));
  }
}

bool SkillFolders::Sees(std::string_view platform, std::string_view folder) const {
  const auto host = std::ranges::find(hosts_, platform, &Host::platform);
  return host != hosts_.end() && Looks(*host, folder);
}

bool SkillFolders::Looks(const Host& host, std::string_view folder) {
  return std::find(host.folders.begin(), host.folders.end(), folder) != host.folders.end() ||
         std::any_of(host.endings.begin(), host.endings.end(),
                     [&](const std::string& ending) { return folder.ends_with(ending); }) ||
         (!host.plugins.empty() && folder.starts_with(host.plugins));
}

std::vector<std::string> SkillFolders::HostsOf(std::span<const store::SkillPlace> places) const {
  std::vector<std::string> out;
  for (const Host& host : hosts_) {
    const bool sees = std::any_of(
        places.begin(), places.end(),
        [&](const store::SkillPlace& place) { return Looks(host, place.registry_dir); });
    if (sees) out.emplace_back(host.platform);
  }
  return out;
}

}  // namespace selftune::status
