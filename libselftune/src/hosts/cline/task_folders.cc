#include "hosts/cline/task_folders.h"

#include <string_view>

#include "base/file.h"

namespace selftune::hosts::cline {

std::vector<std::string> TaskFolders(const std::string& home, const std::string& config_dir) {
  static constexpr std::string_view kEditors[] = {"Code", "Code - Insiders", "VSCodium", "Cursor",
                                                  "Windsurf"};
  static constexpr std::string_view kServers[] = {".vscode-server", ".vscode-server-insiders",
                                                  ".cursor-server", ".windsurf-server"};
  constexpr std::string_view kTasks = "User/globalStorage/saoudrizwan.claude-dev/tasks";
  std::vector<std::string> folders;
  if (!config_dir.empty()) folders.push_back(base::JoinPath(config_dir, "data/tasks"));
  if (home.empty()) return folders;
  for (const std::string_view below : {".config", "Library/Application Support"}) {
    const std::string base = base::JoinPath(home, below);
    for (const std::string_view editor : kEditors) {
      folders.push_back(base::JoinPath(base::JoinPath(base, editor), kTasks));
    }
  }
  for (const std::string_view server : kServers) {
    const std::string base = base::JoinPath(base::JoinPath(home, server), "data");
    folders.push_back(base::JoinPath(base, kTasks));
  }
  return folders;
}

}  // namespace selftune::hosts::cline
