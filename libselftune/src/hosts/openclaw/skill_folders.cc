#include "hosts/openclaw/skill_folders.h"

#include <string>
#include <utility>

#include "base/file.h"
#include "base/json_value.h"
#include "hosts/common/settings_files.h"

namespace selftune::hosts::openclaw {
namespace {

using base::JsonValue;
using skillfs::NamedRoot;

constexpr int kWorkshopRank = 5;  // below all folders of the row
constexpr int kExtraRank = 6;
// Of an extra folder that is not called `skills`, and holds none of that name.
constexpr size_t kExtraDepth = 2;

NamedRoot Extra(std::string path, size_t depth, int rank) {
  return {.path = std::move(path), .precedence = rank, .depth = depth, .root_too = true};
}

}  // namespace

std::vector<NamedRoot> NamedSkillRoots(const RootQuery& query,
                                       std::vector<skillfs::DiscoveryProblem>& problems) {
  std::vector<NamedRoot> out;
  if (query.config_dir.empty()) return out;
  SettingsFiles files(problems);
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
  const std::string settings = base::JoinPath(query.config_dir, "openclaw.json");
  const JsonValue& dirs = ValueAt(files.JsonOrEmpty(settings), "skills.load.extraDirs");
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
