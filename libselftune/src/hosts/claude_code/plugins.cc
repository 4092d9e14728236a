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
                     const std::string& disabled_by, SettingsFiles& files,
                     std::vector<NamedRoot>& out) {
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
                   .project_root = project,
                   .disabled_by = disabled_by});
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
  const std::string own = config_dir + "/settings.json";
  const JsonValue& settings = files.JsonOrEmpty(own);
  for (const auto& [id, value] : installed["plugins"].members()) {
    // One that is off still looks after its files, which others may link to.
    const std::string off = settings["enabledPlugins"][id].AsBool(true) ? "" : own;
    // Format 2 has a list of installations, format 1 a single one.
    if (value.is_object()) AddInstallation(id, value, home, off, files, out);
    for (const JsonValue& one : value.items()) AddInstallation(id, one, home, off, files, out);
  }
  return out;
}

}  // namespace selftune::hosts::claude_code
