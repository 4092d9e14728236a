#include "hosts/openclaw/skill_folders.h"

#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/json_value.h"
#include "base/strings.h"
#include "hosts/common/settings_files.h"
#include "hosts/openclaw/agents.h"

namespace selftune::hosts::openclaw {
namespace {

using base::JsonValue;
using skillfs::NamedRoot;

constexpr int kWorkspaceRank = 1;  // as in the row
constexpr int kWorkshopRank = 5;   // below all folders of the row
constexpr int kExtraRank = 6;
// Of an extra folder that is not called `skills`, and holds none of that name.
constexpr size_t kExtraDepth = 2;

NamedRoot Extra(std::string path, size_t depth, int rank) {
  return {.path = std::move(path), .precedence = rank, .depth = depth, .root_too = true};
}

// The workspaces besides that of the row. An agent's sessions run in its workspace, and see
// the skills of no other.
void AddWorkspaces(const std::vector<Agent>& agents, const RootQuery& query,
                   std::vector<NamedRoot>& out) {
  for (const Agent& agent : agents) {
    const std::string& workspace = agent.workspace;
    if (workspace.empty() || workspace == base::JoinPath(query.config_dir, "workspace")) continue;
    int rank = kWorkspaceRank;
    for (const std::string_view below : {"skills", ".agents/skills"}) {
      out.push_back({.path = base::JoinPath(workspace, below),
                     .plugin = "",
                     .scope = "project",
                     .project_root = workspace,
                     .precedence = rank++,
                     .depth = skillfs::kAnyDepth});
    }
  }
}

// Where the gateway was started; from its files nobody knows where that was.
bool IsRelative(std::string_view path) {
  path = base::Trim(path);
  return !path.empty() && !path.starts_with('/') && !path.starts_with('~');
}

}  // namespace

std::vector<NamedRoot> NamedSkillRoots(const RootQuery& query,
                                       std::vector<skillfs::DiscoveryProblem>& problems) {
  std::vector<NamedRoot> out;
  if (query.config_dir.empty()) return out;
  SettingsFiles files(problems, kOpenClawJson);
  const std::string agents = base::JoinPath(query.config_dir, "agents");
  const std::vector<std::string> names = files.Folders(agents);
  for (const std::string& agent : names) {
    out.push_back({.path = base::JoinPath(agents, agent + "/agent/workshop-skills"),
                   .plugin = "",
                   .scope = "system",
                   .precedence = kWorkshopRank,
                   .depth = skillfs::kAnyDepth});
  }
  // A skill of one agent's workshop hides nothing from the other agents.
  const int rank = names.size() > 1 ? kWorkshopRank : kExtraRank;
  // Links to the skills of plugins that are on, which the host makes and takes away.
  out.push_back({.path = base::JoinPath(query.config_dir, "plugin-skills"),
                 .plugin = "",
                 .scope = "system",
                 .precedence = rank});
  const std::string settings = base::JoinPath(query.config_dir, "openclaw.json");
  const JsonValue& root = files.JsonOrEmpty(settings);
  AddWorkspaces(ReadAgents(settings, root, query, files), query, out);
  for (const std::string& item : files.Texts(settings, root, "skills.load.extraDirs")) {
    if (IsRelative(item)) {
      files.TellShape(settings, "skills.load.extraDirs", "absolute folders, or such with ~",
                      item + ", which lies where the gateway was started");
      continue;
    }
    const std::string path = SettingsPath(query.home, "", item);
    if (path.empty()) continue;
    const bool deep = base::BaseName(path) == "skills";
    out.push_back(Extra(path, deep ? skillfs::kAnyDepth : kExtraDepth, rank));
    if (!deep) {
      out.push_back(Extra(base::JoinPath(path, "skills"), skillfs::kAnyDepth, rank));
    }
  }
  return out;
}

}  // namespace selftune::hosts::openclaw
