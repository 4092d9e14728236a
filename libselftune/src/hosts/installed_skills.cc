#include "hosts/installed_skills.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/file.h"
#include "hosts/common/settings_files.h"
#include "hosts/skill_switches.h"

namespace selftune::hosts {
namespace {

// Of each working directory it and the folders above.
std::vector<std::vector<std::string>> FoldersOf(skillfs::DiscoveryRequest& request) {
  std::vector<std::vector<std::string>> out;
  out.reserve(request.project_dirs.size());
  for (const std::string& dir : request.project_dirs) {
    out.push_back(ProjectFolders(dir, request.work_trees));
  }
  return out;
}

}  // namespace

skillfs::DiscoveryRequest DiscoveryFor(const base::Environment& env,
                                       std::span<const std::string> project_dirs) {
  skillfs::DiscoveryRequest request;
  request.home = env.Home();
  request.project_dirs.assign(project_dirs.begin(), project_dirs.end());
  const std::vector<std::vector<std::string>> folders = FoldersOf(request);
  for (const HostRow& row : Rows()) {
    skillfs::HostSkillRules rules;
    rules.platform = row.platform;
    rules.config_dir = ConfigDir(row, env);
    rules.roots = row.skill_roots;
    if (row.named_roots != nullptr) {
      rules.named_roots =
          row.named_roots({request.home, rules.config_dir, project_dirs, folders}, rules.problems);
    }
    rules.equal_names_shadow = row.equal_names_shadow;
    rules.name_is_folder = row.name_is_folder;
    rules.skill_ends_search = row.skill_ends_search;
    rules.ignore_files = row.ignore_files;
    rules.explicit_only_key = row.explicit_only_key;
    rules.policy_file = row.policy_file;
    rules.policy_implicit_key = row.policy_implicit_key;
    request.hosts.push_back(std::move(rules));
  }
  return request;
}

skillfs::Discovery FindInstalledSkills(const base::Environment& env,
                                       std::span<const std::string> project_dirs) {
  return skillfs::DiscoverSkills(DiscoveryFor(env, project_dirs));
}

void AddSettings(skillfs::DiscoveryRequest& request) {
  const std::vector<std::vector<std::string>> folders = FoldersOf(request);
  const std::vector<std::string> roots = SessionRoots(folders);
  for (skillfs::HostSkillRules& rules : request.hosts) {
    rules.rules = ReadSkillRules(
        rules.platform,
        {request.home, rules.config_dir, request.project_dirs, folders, request.absolute_root},
        rules.problems);
    rules.session_roots = roots;
  }
}

bool IsHere(const HostRow& row, const base::Environment& env,
            std::span<const std::string> with_sessions) {
  const std::string folder = ConfigDir(row, env);
  if (!folder.empty() && base::Exists(folder)) return true;
  return std::ranges::find(with_sessions, row.platform) != with_sessions.end();
}

}  // namespace selftune::hosts
