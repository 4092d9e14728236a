#include "hosts/openclaw/skill_folders.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/json_value.h"
#include "base/strings.h"
#include "hosts/common/settings_files.h"

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

// "Main" and "main" are one; of other ids nobody knows the folder.
std::string IdOf(const JsonValue& agent) {
  std::string id = base::AsciiLower(base::Trim(agent["id"].AsString()));
  const bool plain = std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  return plain ? id : "";
}

// Where an agent works: what the settings say, else a folder of its own beside the usual one.
std::string WorkspaceOf(const JsonValue& agent, bool is_default, const std::string& usual,
                        const RootQuery& query) {
  const std::string_view own = base::Trim(agent["workspace"].AsString());
  if (!own.empty()) return SettingsPath(query.home, "", own);
  if (is_default) return usual.empty() ? "" : SettingsPath(query.home, "", usual);
  const std::string id = IdOf(agent);
  if (id.empty()) return "";
  if (usual.empty()) return base::JoinPath(query.config_dir, "workspace-" + id);
  const std::string folder = SettingsPath(query.home, "", usual);
  return folder.empty() ? "" : base::JoinPath(folder, id);
}

// The workspaces besides that of the row. An agent's sessions run in its workspace, and see
// the skills of no other.
void AddWorkspaces(const std::string& file, const JsonValue& agents, const RootQuery& query,
                   SettingsFiles& files, std::vector<NamedRoot>& out) {
  const std::string usual(base::Trim(agents["defaults"]["workspace"].AsString()));
  std::vector<const JsonValue*> list;
  for (const JsonValue& agent : files.Items(file, agents["list"])) {
    if (agent.is_object()) list.push_back(&agent);
  }
  const JsonValue only;  // without a list there is one agent
  if (list.empty()) list.push_back(&only);
  // The first that is marked is the default, else the first.
  const auto marked = std::ranges::find_if(
      list, [](const JsonValue* agent) { return (*agent)["default"].AsBool(); });
  const size_t chosen = marked == list.end() ? 0 : static_cast<size_t>(marked - list.begin());
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string workspace = WorkspaceOf(*list[i], i == chosen, usual, query);
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
  AddWorkspaces(settings, root["agents"], query, files, out);
  const JsonValue& dirs = ValueAt(root, "skills.load.extraDirs");
  for (const std::string& item : files.Texts(settings, dirs)) {
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
