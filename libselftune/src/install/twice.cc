#include "install/twice.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/strings.h"
#include "install/installer.h"

namespace selftune::install {
namespace {

void AddSettings(const Target& target, const Place& place, std::string_view scope, bool here,
                 std::vector<HooksPlace>& out) {
  const HostHooks hooks = LookAtHooks(target, place);
  const bool known = std::any_of(out.begin(), out.end(),
                                 [&](const HooksPlace& one) { return one.path == hooks.path; });
  if (known) return;
  const auto ours = std::find_if(hooks.found.begin(), hooks.found.end(),
                                 [](const FoundHook& hook) { return hook.ours; });
  if (ours == hooks.found.end()) return;
  out.push_back({scope, hooks.path, ours->command, place.project, here});
}

// Both files of a project; the one that a team shares, and the person's own there.
void AddProject(const Target& target, const Place& person, const std::string& project, bool here,
                std::vector<HooksPlace>& out) {
  Place place = person;
  place.project = project;
  place.config_dir = base::JoinPath(project, target.project_dir);
  if (place.config_dir == person.config_dir) return;
  AddSettings(target, place, "project", here, out);
  if (target.local_file.empty()) return;
  place.settings_file = target.local_file;
  AddSettings(target, place, "local", here, out);
}

void AddPlugin(const hosts::HostRow& row, const Place& person, std::vector<HooksPlace>& out) {
  if (row.named_roots == nullptr) return;
  std::vector<hosts::DiscoveryProblem> problems;  // of settings: the doctor's skills.parse
  const hosts::RootQuery query{.home = "", .config_dir = person.config_dir, .project_dirs = {}};
  for (const hosts::NamedRoot& root : row.named_roots(query, problems)) {
    const bool ours = root.prefixed && root.plugin == "selftune" && root.disabled_by.empty();
    // A plugin of that name may bring skills alone.
    if (ours && base::Exists(base::JoinPath(root.plugin_dir, "hooks/hooks.json"))) {
      out.push_back({"plugin", root.path, "", root.project_root, /*here=*/true});
    }
  }
}

}  // namespace

std::vector<HooksPlace> PlacesOfHooks(const hosts::HostRow& row, const Target& target,
                                      const Place& person, const std::string& project,
                                      const std::vector<store::InstallRow>& rows) {
  std::vector<HooksPlace> out;
  if (target.hooks == nullptr) return out;  // its hooks are files of our own, in one place
  AddSettings(target, person, "user", /*here=*/true, out);
  if (!target.project_dir.empty()) {
    if (!project.empty()) AddProject(target, person, project, /*here=*/true, out);
    for (const store::InstallRow& known : rows) {
      const std::string_view dir = base::DirName(known.path);
      if (known.kind != "hook" || known.platform != row.platform || dir == person.config_dir ||
          base::BaseName(dir) != target.project_dir) {
        continue;
      }
      AddProject(target, person, std::string(base::DirName(dir)), /*here=*/false, out);
    }
  }
  AddPlugin(row, person, out);
  return out;
}

namespace {

// Takes hooks of ours out there; of a project that is elsewhere, in it.
std::vector<std::string> TakeOut(const hosts::HostRow& row, const HooksPlace& place) {
  std::vector<std::string> command = {"selftune",  "hooks",
                                      "uninstall", std::string(row.platform),
                                      "--scope",   std::string(place.scope)};
  if (place.here || place.project.empty()) return command;
  return {"sh", "-c",
          base::JoinCommand({"cd", place.project}) + " && " + base::JoinCommand(command)};
}

}  // namespace

std::optional<Twice> FindTwice(const hosts::HostRow& row, std::vector<HooksPlace> places) {
  // The first of two is the one that is taken out: what counts in one project, for without
  // the person's all others would be silent; beside our plugin, which the agent takes out,
  // the other.
  constexpr std::string_view kOrder[] = {"local", "project", "user", "plugin"};
  const auto rank = [&](const HooksPlace& place) {
    return std::find(std::begin(kOrder), std::end(kOrder), place.scope);
  };
  std::stable_sort(places.begin(), places.end(),
                   [&](const auto& one, const auto& other) { return rank(one) < rank(other); });
  for (size_t i = 0; i < places.size(); ++i) {
    for (size_t j = i + 1; j < places.size(); ++j) {
      const HooksPlace& one = places[i];
      const HooksPlace& other = places[j];
      const bool together =
          one.project.empty() || other.project.empty() || one.project == other.project;
      // Of other projects only what the person's repeat.
      const bool asked = one.here || other.scope == "user";
      if (!together || !asked || one.command == other.command) continue;
      const auto named = [](const HooksPlace& place) {
        return place.scope == "plugin" ? "the plugin in " + place.path : place.path;
      };
      return Twice{.what = fmt::format(
                       "hooks of selftune are in {} and in {}: each event is told "
                       "twice{}",
                       named(one), named(other),
                       one.project.empty() && other.project.empty() ? "" : " in that project"),
                   .command = TakeOut(row, one)};
    }
  }
  return std::nullopt;
}

std::string RepositoryAround(const std::string& folder, std::string_view below) {
  for (std::string dir = folder; dir.size() > 1 && dir != below; dir = base::DirName(dir)) {
    if (base::Exists(base::JoinPath(dir, ".git"))) return dir;
  }
  return "";
}

std::string ProjectAround() {
  std::string here = base::RealPath(".").value_or("");
  std::string top = RepositoryAround(here);
  return top.empty() ? here : top;
}

}  // namespace selftune::install
