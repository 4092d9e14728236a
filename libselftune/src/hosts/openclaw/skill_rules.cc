// What settings of OpenClaw switch off: skills by name, and for an agent all but those of its
// list.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json_value.h"
#include "base/strings.h"
#include "hosts/common/settings_files.h"
#include "hosts/openclaw/agents.h"
#include "hosts/skill_switch_rows.h"

namespace selftune::hosts::openclaw {
namespace {

using base::JsonValue;
using skillfs::SkillRule;
using Says = SkillRule::Says;
using Names = std::set<std::string>;
using Type = JsonValue::Type;

SkillRule RuleOf(const std::string& file, std::string name, Says says,
                 const std::string& workspace = "") {
  return {.name = std::move(name),
          .any_case = true,
          .says = says,
          .settings = file,
          .project_root = workspace};
}

SkillRule AllOf(const std::string& file, Says says, const std::string& workspace = "") {
  SkillRule out = RuleOf(file, "*", says, workspace);
  out.pattern = true;
  return out;
}

// All but these are off.
void AddList(const std::string& file, const std::string& workspace, const Names& names,
             std::vector<SkillRule>& out) {
  out.push_back(AllOf(file, Says::kOff, workspace));
  for (const std::string& name : names) out.push_back(RuleOf(file, name, Says::kOn, workspace));
}

// Sessions of agents that share a workspace have the skills of all of them.
void AddLists(const std::string& file, const std::vector<Agent>& agents, bool all_known,
              std::vector<SkillRule>& out) {
  std::map<std::string, std::optional<Names>> by_workspace;
  Names all;
  bool each_has_one = all_known;
  for (const Agent& agent : agents) {
    std::optional<Names>& names = by_workspace.try_emplace(agent.workspace, Names()).first->second;
    each_has_one = each_has_one && agent.skills.has_value();
    if (!agent.skills.has_value()) names.reset();
    for (const std::string& text : agent.skills.value_or(std::vector<std::string>())) {
      const std::string name(base::Trim(text));
      all.insert(name);
      if (names.has_value()) names->insert(name);
    }
  }
  // What no agent has is off wherever a session runs.
  if (each_has_one) AddList(file, "", all, out);
  for (const auto& [workspace, names] : by_workspace) {
    if (!workspace.empty() && names.has_value()) AddList(file, workspace, *names, out);
  }
}

}  // namespace

std::vector<SkillRule> ReadSkillRules(const RootQuery& query,
                                      std::vector<skillfs::DiscoveryProblem>& problems) {
  std::vector<SkillRule> out;
  if (query.config_dir.empty()) return out;
  SettingsFiles files(problems, kOpenClawJson);
  const std::string file = base::JoinPath(query.config_dir, "openclaw.json");
  const JsonValue& root = files.JsonOrEmpty(file);
  const std::vector<Agent> agents = ReadAgents(file, root, query, files);
  AddLists(file, agents, /*all_known=*/!files.IsUnknown(file), out);
  // Whether one that is on is in a list is said above.
  for (const auto& [name, entry] : files.ObjectAt(file, root, "skills.entries").members()) {
    if (!files.Is(file, "skills.entries." + name, entry, {Type::kObject})) continue;
    const JsonValue& enabled = entry["enabled"];
    const bool said = files.Is(file, "skills.entries." + name + ".enabled", enabled, {Type::kBool});
    if (said && !enabled.AsBool()) out.push_back(RuleOf(file, name, Says::kOff));
  }
  if (!files.IsUnknown(file)) return out;
  // It may say anything of every skill; of what it is understood to switch off it says so.
  for (SkillRule& rule : out) {
    if (rule.says == Says::kOn) rule.says = Says::kMayEither;
  }
  out.insert(out.begin(), AllOf(file, Says::kMayEither));
  return out;
}

}  // namespace selftune::hosts::openclaw
