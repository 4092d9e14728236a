#include "status/skill_folders.h"

#include <algorithm>
#include <utility>

#include "base/file.h"
#include "hosts/registry.h"

namespace selftune::status {

SkillFolders::SkillFolders(const base::Environment& env) {
  for (const hosts::HostRow& row : hosts::Rows()) {
    const std::string config = hosts::ConfigDir(row, env);
    Host host{.platform = row.platform, .fixed = {row, env}, .plugins = {}};
    if (!config.empty()) host.plugins = config + "/plugins/";
    host.single_files = hosts::TakesSingleFiles(row);
    hosts_.push_back(std::move(host));
  }
}

bool SkillFolders::Sees(std::string_view platform, const store::SkillPlace& place) const {
  const auto host = std::ranges::find(hosts_, platform, &Host::platform);
  return host != hosts_.end() && Sees(*host, place);
}

bool SkillFolders::Sees(const Host& host, const store::SkillPlace& place) {
  return Looks(host, place.registry_dir) &&
         (host.single_files || base::BaseName(place.path) == "SKILL.md");
}

bool SkillFolders::KeepsPlugins(std::string_view platform, std::string_view folder) const {
  const auto host = std::ranges::find(hosts_, platform, &Host::platform);
  return host != hosts_.end() && !host->fixed.Hold(folder) && Looks(*host, folder);
}

bool SkillFolders::Looks(const Host& host, std::string_view folder) {
  return host.fixed.Hold(folder) || (!host.plugins.empty() && folder.starts_with(host.plugins));
}

std::vector<std::string> SkillFolders::HostsOf(std::span<const store::SkillPlace> places) const {
  std::vector<std::string> out;
  for (const Host& host : hosts_) {
    const bool sees =
        std::any_of(places.begin(), places.end(),
                    [&](const store::SkillPlace& place) { return Sees(host, place); });
    if (sees) out.emplace_back(host.platform);
  }
  return out;
}

}  // namespace selftune::status
