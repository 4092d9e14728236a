#include "hosts/claude_code/plugins.h"

#include <string>
#include <string_view>

#include "base/file.h"
#include "base/json_value.h"
#include "hosts/common/settings_files.h"

namespace selftune::hosts::claude_code {
namespace {

using base::JsonValue;
using skillfs::NamedRoot;

// Adds the skill folders of one installation.
void AddInstallation(std::string_view id, const JsonValue& installation, const std::string& home,
                     SettingsFiles& files, std::vector<NamedRoot>& out) {
  const std::string& path = installation["installPath"].AsString();
  if (!path.starts_with('/')) return;
  const JsonValue& manifest = files.JsonOrEmpty(path + "/.claude-plugin/plugin.json");
  std::string name = manifest["name"].AsString();
  if (name.empty()) name = std::string(id.substr(0, id.find('@')));
  const std::string& project = installation["projectPath"].AsString();
  const auto add = [&](std::string_view folder) {
    out.push_back({.path = base::NormalizePath(path, folder),
                   .plugin = name,
                   .plugin_dir = path,
                   .plugin_home = skillfs::IsBelow(path, home) ? home : "",
                   .prefixed = true,
                   .scope = project.empty() ? "global" : "project",
                   .project_root = project});
  };
  add("skills");
  // A manifest may name more folders, as one text or a list.
  const JsonValue& more = manifest["skills"];
  if (more.is_string()) add(more.AsString());
  for (const JsonValue& folder : more.items()) {
    if (folder.is_string()) add(folder.AsString());
  }
}

}  // namespace

std::vector<NamedRoot> PluginSkillRoots(const RootQuery& query,
                                        std::vector<skillfs::DiscoveryProblem>& problems) {
  std::vector<NamedRoot> out;
  const std::string& config_dir = query.config_dir;
  if (config_dir.empty()) return out;
  SettingsFiles files(problems);
  const std::string home = config_dir + "/plugins";
  const JsonValue& installed = files.JsonOrEmpty(home + "/installed_plugins.json");
  const JsonValue& settings = files.JsonOrEmpty(config_dir + "/settings.json");
  for (const auto& [id, value] : installed["plugins"].members()) {
    if (!settings["enabledPlugins"][id].AsBool(true)) continue;
    // Format 2 has a list of installations, format 1 a single one.
    if (value.is_object()) AddInstallation(id, value, home, files, out);
    for (const JsonValue& one : value.items()) AddInstallation(id, one, home, files, out);
  }
  return out;
}

}  // namespace selftune::hosts::claude_code
