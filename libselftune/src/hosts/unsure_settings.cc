#include "hosts/unsure_settings.h"

#include <algorithm>

#include "base/file.h"

namespace selftune::hosts {

using skillfs::DiscoveryProblem;
using skillfs::IsBelow;

FixedFolders::FixedFolders(const HostRow& row, const base::Environment& env) {
  for (const SkillRoot& root : row.skill_roots) {
    switch (root.base) {
      case SkillRoot::Base::kHome:
        folders_.push_back(base::JoinPath(env.Home(), root.path));
        break;
      case SkillRoot::Base::kConfigDir:
        folders_.push_back(base::JoinPath(ConfigDir(row, env), root.path));
        break;
      case SkillRoot::Base::kAbsolute:
        folders_.emplace_back(root.path);
        break;
      case SkillRoot::Base::kProjectUp:
      case SkillRoot::Base::kProjectOnly:
      case SkillRoot::Base::kProjectHere:
        endings_.push_back("/" + std::string(root.path));
        break;
    }
  }
}

bool FixedFolders::Hold(std::string_view folder) const {
  return std::ranges::find(folders_, folder) != folders_.end() ||
         std::ranges::any_of(endings_,
                             [&](const std::string& ending) { return folder.ends_with(ending); });
}

UnsureSettings::UnsureSettings(const base::Environment& env) {
  for (const HostRow& row : Rows()) fixed_.emplace_back(row, env);
}

void UnsureSettings::Add(std::string_view platform, std::string_view config_dir,
                         std::span<const DiscoveryProblem> problems) {
  bool understood = true;
  for (const DiscoveryProblem& problem : problems) {
    if (!problem.settings) continue;
    const bool own = !config_dir.empty() && IsBelow(problem.path, config_dir);
    files_.push_back({platform, problem.path, std::string(own ? config_dir : "")});
    understood = understood && !own;
  }
  if (understood && !config_dir.empty()) understood_.emplace_back(config_dir);
}

const UnsureSettings::File* UnsureSettings::MayName(std::string_view folder,
                                                    std::string_view project_root,
                                                    std::string_view platform) const {
  if (empty()) return nullptr;
  if (std::ranges::any_of(fixed_, [&](const auto& fixed) { return fixed.Hold(folder); })) {
    return nullptr;
  }
  const bool foreign = std::ranges::any_of(
      understood_, [&](const std::string& dir) { return IsBelow(folder, dir); });
  const auto found = std::ranges::find_if(files_, [&](const File& file) {
    if (!platform.empty() && file.platform != platform) return false;
    if (!file.config_dir.empty()) return !foreign || IsBelow(folder, file.config_dir);
    return (!project_root.empty() && IsBelow(file.path, project_root)) ||
           IsBelow(folder, base::DirName(file.path));
  });
  return found == files_.end() ? nullptr : &*found;
}

}  // namespace selftune::hosts
