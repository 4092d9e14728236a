#include "status/off_switches.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/status_macros.h"
#include "hosts/common/settings_files.h"
#include "hosts/installed_skills.h"
#include "hosts/registry.h"
#include "hosts/skill_switches.h"
#include "skillfs/work_trees.h"
#include "store/source_ledger.h"

namespace selftune::status {
namespace {

bool SwitchesOff(const skillfs::NamedRoot& root) {
  return !root.disabled_by.empty() || !root.disabled_in.empty();
}

}  // namespace

bool IsVisible(std::string_view project_root, std::string_view cwd) {
  return project_root.empty() || cwd == project_root ||
         (cwd.starts_with(project_root) && cwd.substr(project_root.size()).starts_with('/'));
}

std::string SettingsAgainst(const skillfs::SkillPlacement& copy, std::string_view cwd) {
  if (!copy.disabled_by.empty() || cwd.empty()) return copy.disabled_by;
  for (const skillfs::ProjectSwitch& in : copy.disabled_in) {
    if (in.below ? IsVisible(in.project_root, cwd) : cwd == in.project_root) return in.settings;
  }
  return "";
}

StatusOr<OffSwitches> OffSwitches::Read(store::Db& db, const base::Environment& env) {
  OffSwitches out(env);
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> known, store::HostsWithSessions(db));
  ST_ASSIGN_OR_RETURN(std::vector<std::string> workspaces, store::Workspaces(db));
  // In a folder that is gone nobody starts a session; one look spares one for each host.
  std::erase_if(workspaces, [](const std::string& folder) { return !base::Exists(folder); });
  skillfs::WorkTrees work_trees;
  std::vector<std::vector<std::string>> above;
  for (const std::string& dir : workspaces) {
    above.push_back(hosts::ProjectFolders(dir, work_trees));
  }
  std::vector<skillfs::DiscoveryProblem> told_by_doctor;
  for (const hosts::HostRow& row : hosts::Rows()) {
    if (!hosts::IsHere(row, env, known)) continue;
    Host& host = out.hosts_.emplace_back(Host{.platform = row.platform, .rules = {}});
    const std::string config = hosts::ConfigDir(row, env);
    const hosts::RootQuery query{env.Home(), config, workspaces, above};
    host.rules = hosts::ReadSkillRules(row.platform, query, told_by_doctor);
    if (row.named_roots != nullptr) host.named = row.named_roots(query, told_by_doctor);
    out.any_ = out.any_ || std::ranges::any_of(host.named, SwitchesOff);
    out.any_ = out.any_ || !host.rules.empty();
  }
  return out;
}

std::optional<skillfs::SkillPlacement> OffSwitches::Judge(const Host& host, std::string_view skill,
                                                          const store::SkillPlace& place) const {
  const std::vector<std::string> by_place = folders_.HostsOf({&place, 1});
  const bool looks = std::ranges::find(by_place, host.platform) != by_place.end();
  const auto named = std::ranges::find(host.named, place.registry_dir, &skillfs::NamedRoot::path);
  if (!looks && named == host.named.end()) return std::nullopt;
  skillfs::SkillPlacement out;
  out.path = place.path;
  out.platform = host.platform;
  out.name = skill;
  out.project_root = place.project_root;
  skillfs::ApplyRules(host.rules, place.real_path, out);
  // What looks after a folder may be off; a folder where the host looks anyhow is not.
  if (named == host.named.end() || (looks && named->plugin.empty())) return out;
  if (out.disabled_by.empty()) out.disabled_by = named->disabled_by;
  out.disabled_in.insert(out.disabled_in.end(), named->disabled_in.begin(),
                         named->disabled_in.end());
  return out;
}

OffVerdict OffSwitches::Of(std::string_view skill, std::span<const store::SkillPlace> places,
                           std::string_view platform) const {
  OffVerdict out;
  if (!any_) return out;
  bool seen = false, offered = false;
  for (const store::SkillPlace& place : places) {
    for (const Host& host : hosts_) {
      if (!platform.empty() && host.platform != platform) continue;
      const std::optional<skillfs::SkillPlacement> judged = Judge(host, skill, place);
      if (!judged.has_value()) continue;
      seen = true;
      const skillfs::SkillPlacement& placement = *judged;
      const auto add = [&](std::string settings, std::string project_root) {
        out.off.push_back({.platform = std::string(host.platform),
                           .path = place.path,
                           .settings = std::move(settings),
                           .project_root = std::move(project_root)});
      };
      if (!placement.disabled_by.empty()) {
        add(placement.disabled_by, "");
        continue;
      }
      offered = true;
      for (const auto& in : placement.disabled_in) add(in.settings, in.project_root);
    }
  }
  out.everywhere = seen && !offered;
  return out;
}

bool OffSwitches::IsOffAt(std::string_view skill, std::span<const store::SkillPlace> places,
                          std::string_view platform, std::string_view cwd) const {
  const auto host = std::ranges::find(hosts_, platform, &Host::platform);
  if (host == hosts_.end()) return false;
  bool seen = false;
  for (const store::SkillPlace& place : places) {
    if (!cwd.empty() && !IsVisible(place.project_root, cwd)) continue;
    const std::optional<skillfs::SkillPlacement> placement = Judge(*host, skill, place);
    if (!placement.has_value()) continue;
    if (SettingsAgainst(*placement, cwd).empty()) return false;
    seen = true;
  }
  return seen;
}

}  // namespace selftune::status
