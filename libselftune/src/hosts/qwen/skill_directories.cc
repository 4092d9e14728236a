#include "hosts/qwen/skill_directories.h"

#include <string>
#include <utility>

#include "base/file.h"
#include "base/strings.h"
#include "hosts/common/settings_files.h"

namespace selftune::hosts::qwen {
namespace {

using skillfs::NamedRoot;

constexpr int kRank = 5;  // an order only: of equal names none is called hidden

std::vector<std::string> ListIn(const std::string& file, SettingsFiles& files) {
  return files.Texts(file, files.JsonOrEmpty(file), "skills.directories");
}

bool IsRelative(std::string_view path) {
  path = base::Trim(path);
  return !path.starts_with('/') && !path.starts_with('~');
}

}  // namespace

std::vector<NamedRoot> NamedSkillRoots(const RootQuery& query,
                                       std::vector<skillfs::DiscoveryProblem>& problems) {
  std::vector<NamedRoot> out;
  SettingsFiles files(problems);
  const std::string own =
      query.config_dir.empty() ? "" : base::JoinPath(query.config_dir, "settings.json");
  std::vector<std::string> listed;
  if (!own.empty()) listed = ListIn(own, files);
  const auto add = [&](const std::string& base, const std::string& item,
                       const std::string& project_root) {
    std::string path = SettingsPath(query.home, base, item);
    if (path.empty()) return;
    out.push_back({.path = std::move(path),
                   .plugin = "",
                   .scope = project_root.empty() ? "global" : "project",
                   .project_root = project_root,
                   .precedence = kRank});
  };
  for (const std::string& item : listed) {
    if (!IsRelative(item)) add("", item, "");
  }
  for (const std::vector<std::string>& up : query.project_folders) {
    for (const std::string& item : listed) {
      if (IsRelative(item)) add(up.front(), item, up.back());
    }
    const std::string theirs = base::JoinPath(up.front(), ".qwen/settings.json");
    if (theirs == own) continue;
    for (const std::string& item : ListIn(theirs, files)) add(up.front(), item, up.back());
  }
  return out;
}

}  // namespace selftune::hosts::qwen
