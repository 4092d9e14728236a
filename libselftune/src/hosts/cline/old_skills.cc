#include "hosts/cline/old_skills.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/file.h"
#include "hosts/cline/task_folders.h"
#include "hosts/common/settings_files.h"

namespace selftune::hosts::cline {

std::vector<skillfs::NamedRoot> OldSkillRoots(const RootQuery& query,
                                              std::vector<skillfs::DiscoveryProblem>& problems) {
  constexpr int kRank = 6;  // an order only: of equal names none is called hidden
  constexpr std::string_view kFolders[] = {".clinerules/skills", ".cline/skills", ".claude/skills",
                                           ".agents/skills"};
  std::vector<skillfs::NamedRoot> out;
  SettingsFiles files(problems);
  const std::vector<std::string> tasks = TaskFolders(query.home, query.config_dir);
  const bool is_here = std::ranges::any_of(
      tasks, [&](const std::string& folder) { return !files.Folders(folder).empty(); });
  if (!is_here) return out;
  for (const std::vector<std::string>& up : query.project_folders) {
    for (const std::string_view folder : kFolders) {
      out.push_back({.path = base::JoinPath(up.front(), folder),
                     .plugin = "",
                     .scope = "project",
                     .project_root = up.back(),
                     .precedence = kRank});
    }
  }
  return out;
}

}  // namespace selftune::hosts::cline
