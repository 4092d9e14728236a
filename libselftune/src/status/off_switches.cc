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
  return !root.disabled_by.empty() || !root.disabled_in.empty() || !root.unknown_by.empty() ||
         !root.unknown_in.empty();
}

std::string SettingsOf(const skillfs::SkillPlacement& copy, std::string_view cwd,
                       skillfs::SwitchState state) {
  const skillfs::SwitchVerdict verdict = copy.switches.In(cwd);
  return std::string(verdict.state == state ? verdict.settings : "");
}

}  // namespace

bool IsVisible(std::string_view project_root, std::string_view cwd) {
  return project_root.empty() || cwd == project_root ||
         (cwd.starts_with(project_root) && cwd.substr(project_root.size()).starts_with('/'));
}

std::string SettingsAgainst(const skillfs::SkillPlacement& copy, std::string_view cwd) {
  return SettingsOf(copy, cwd, skillfs::SwitchState::kOff);
}

std::string SettingsUnknown(const skillfs::SkillPlacement& copy, std::string_view cwd) {
  return SettingsOf(copy, cwd, skillfs::SwitchState::kUnknown);
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
  const std::vector<std::string> roots = hosts::SessionRoots(above);
  std::vector<skillfs::DiscoveryProblem> told_by_doctor;
  skillfs::DiskCache disk(work_trees);
  for (const hosts::HostRow& row : hosts::Rows()) {
    if (!hosts::IsHere(row, env, known)) continue;
    const std::string config = hosts::ConfigDir(row, env);
    const hosts::RootQuery query{env.Home(), config, workspaces, above};
    Host host{.platform = row.platform,
              .rules = skillfs::SkillRules(
                  hosts::ReadSkillRules(row.platform, query, told_by_doctor), roots),
              .named = {}};
    out.any_ = out.any_ || !host.rules.empty();
    std::vector<skillfs::DiscoveryProblem> naming;
    if (row.named_roots != nullptr) {
      for (skillfs::NamedRoot& root : row.named_roots(query, naming)) {
        out.any_ = out.any_ || SwitchesOff(root);
        std::string path = root.path;
        // Of one path the first counts.
        const auto [it, is_new] = host.named.try_emplace(std::move(path), std::move(root));
        if (is_new) out.packages_.Add(it->second, disk);
      }
    }
    out.unsure_.Add(row.platform, config, naming);
    out.hosts_.push_back(std::move(host));
  }
  out.any_ = out.any_ || !out.unsure_.empty();
  return out;
}

std::optional<skillfs::SkillPlacement> OffSwitches::Judge(Host& host, std::string_view skill,
                                                          const store::SkillPlace& place) const {
  const bool looks = folders_.Sees(host.platform, place);
  const auto named = host.named.find(place.registry_dir);
  if (!looks && named == host.named.end()) return std::nullopt;
  skillfs::SkillPlacement out;
  out.path = place.path;
  out.platform = host.platform;
  out.name = skill;
  out.project_root = place.project_root;
  const bool prefixed = named != host.named.end() && named->second.prefixed;
  if (prefixed) {
    out.level = skillfs::kLevelExtension;
  } else if (looks && !place.project_root.empty()) {
    out.level = skillfs::kLevelProject;
  }
  out.switches = host.rules.Of(place.real_path, out);
  // What looks after a folder may be off; a folder where the host looks anyhow is not.
  if (named == host.named.end()) {
    // Nor is one of plugins on, where the list of them is not understood.
    const bool of_plugins = folders_.KeepsPlugins(host.platform, place.registry_dir);
    const auto* const file =
        of_plugins ? unsure_.MayName(place.registry_dir, place.project_root, host.platform)
                   : nullptr;
    if (file == nullptr) return out;
    skillfs::Switches unknown;
    unknown.unknown_by = file->path;
    out.switches = skillfs::Both(std::move(out.switches), std::move(unknown));
    return out;
  }
  const skillfs::NamedRoot& root = named->second;
  if (looks && root.plugin.empty()) return out;
  out.switches = skillfs::Both(std::move(out.switches), skillfs::SwitchesOf(root));
  return out;
}

OffVerdict OffSwitches::Of(std::string_view skill, std::span<const store::SkillPlace> places,
                           std::string_view platform) const {
  OffVerdict out;
  if (!any_) return out;
  bool seen = false, offered = false, unknown = false;
  for (const store::SkillPlace& place : places) {
    bool judged_by_one = false;
    for (Host& host : hosts_) {
      if (!platform.empty() && host.platform != platform) continue;
      const std::optional<skillfs::SkillPlacement> judged = Judge(host, skill, place);
      if (!judged.has_value()) continue;
      seen = judged_by_one = true;
      const skillfs::Switches& switches = judged->switches;
      const auto add = [&](skillfs::SwitchState state, std::string_view settings,
                           const std::string& project_root) {
        offered = offered || state == skillfs::SwitchState::kOn;
        unknown = unknown || state == skillfs::SwitchState::kUnknown;
        if (settings.empty()) return;
        std::vector<OffSwitch>& list = state == skillfs::SwitchState::kOff       ? out.off
                                       : state == skillfs::SwitchState::kUnknown ? out.unknown
                                                                                 : out.on;
        list.push_back({.platform = std::string(host.platform),
                        .path = place.path,
                        .settings = std::string(settings),
                        .project_root = project_root});
      };
      const skillfs::SwitchVerdict everywhere = switches.Everywhere();
      add(everywhere.state, everywhere.settings, "");
      for (const auto& in : switches.in_projects) add(in.state, in.settings, in.project_root);
    }
    if (judged_by_one) continue;
    // The last sync kept it: a host may still look there.
    const auto* const file = unsure_.MayName(place.registry_dir, place.project_root, platform);
    if (file == nullptr) continue;
    unknown = true;
    out.unknown.push_back({.platform = std::string(file->platform),
                           .path = place.path,
                           .settings = file->path,
                           .project_root = ""});
  }
  out.everywhere = seen && !offered && !unknown;
  out.nobody_knows = unknown && !offered;
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
