#include "hosts/claude_code/plugins.h"

#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/json_value.h"
#include "hosts/common/settings_files.h"

namespace selftune::hosts::claude_code {
namespace {

using base::JsonValue;
using skillfs::NamedRoot;

using Type = JsonValue::Type;

constexpr std::string_view kInstalled = "/installed_plugins.json";

// What the settings say of one plugin; files, "" = nothing.
struct Verdict {
  std::string disabled_by, unknown_by;
};

// `enabledPlugins` of the person.
class Enabled {
 public:
  Enabled(std::string file, SettingsFiles& files)
      : file_(std::move(file)),
        files_(files),
        plugins_(files.ObjectAt(file_, files.JsonOrEmpty(file_), "enabledPlugins")),
        unknown_(files.IsUnknown(file_)) {}

  // On unless they say otherwise; a list says for which versions.
  [[nodiscard]] Verdict Of(const std::string& id) {
    const JsonValue& said = plugins_[id];
    const bool clear = files_.Is(file_, "enabledPlugins." + id, said, {Type::kBool, Type::kArray});
    if (clear && !said.AsBool(true)) return {.disabled_by = file_};
    return unknown_ || (!clear && !said.is_null()) ? Verdict{.unknown_by = file_} : Verdict{};
  }

 private:
  std::string file_;
  SettingsFiles& files_;
  const JsonValue& plugins_;
  bool unknown_;
};

// Adds the skill folders of one installation.
void AddInstallation(std::string_view id, const JsonValue& installation, const std::string& home,
                     const Verdict& verdict, SettingsFiles& files, std::vector<NamedRoot>& out) {
  const std::string list = home + std::string(kInstalled);
  if (!files.Is(list, "an entry of plugins", installation, {Type::kObject})) return;
  const std::string& path = files.TextAt(list, installation, "installPath");
  if (!path.starts_with('/')) return;
  const std::string manifest_file = path + "/.claude-plugin/plugin.json";
  const JsonValue& manifest = files.JsonOrEmpty(manifest_file);
  std::string name = files.TextAt(manifest_file, manifest, "name");
  if (name.empty()) name = std::string(id.substr(0, id.find('@')));
  const std::string& project = files.TextAt(list, installation, "projectPath");
  const auto add = [&](std::string_view folder) {
    out.push_back({.path = base::NormalizePath(path, folder),
                   .plugin = name,
                   .plugin_dir = path,
                   .plugin_home = skillfs::IsBelow(path, home) ? home : "",
                   .prefixed = true,
                   .scope = project.empty() ? "global" : "project",
                   .project_root = project,
                   .disabled_by = verdict.disabled_by,
                   .unknown_by = verdict.unknown_by});
  };
  add("skills");
  // A manifest may name more folders, as one text or a list.
  const JsonValue& more =
      files.At(manifest_file, manifest, "skills", {Type::kString, Type::kArray});
  if (more.is_string()) return add(more.AsString());
  for (const std::string& folder : files.Texts(manifest_file, manifest, "skills")) add(folder);
}

}  // namespace

std::vector<NamedRoot> PluginSkillRoots(const RootQuery& query,
                                        std::vector<skillfs::DiscoveryProblem>& problems) {
  std::vector<NamedRoot> out;
  const std::string& config_dir = query.config_dir;
  if (config_dir.empty()) return out;
  SettingsFiles files(problems);
  const std::string home = config_dir + "/plugins";
  const std::string list = home + std::string(kInstalled);
  const JsonValue& installed = files.ObjectAt(list, files.JsonOrEmpty(list), "plugins");
  Enabled enabled(config_dir + "/settings.json", files);
  for (const auto& [id, value] : installed.members()) {
    if (!files.Is(list, "plugins." + id, value, {Type::kObject, Type::kArray})) continue;
    // One that is off still looks after its files, which others may link to.
    const Verdict verdict = enabled.Of(id);
    // Format 2 has a list of installations, format 1 a single one.
    if (value.is_object()) AddInstallation(id, value, home, verdict, files, out);
    for (const JsonValue& one : value.items()) {
      AddInstallation(id, one, home, verdict, files, out);
    }
  }
  return out;
}

}  // namespace selftune::hosts::claude_code
