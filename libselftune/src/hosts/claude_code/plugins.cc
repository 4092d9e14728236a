#include "hosts/claude_code/plugins.h"

#include <cstdint>
#include <string_view>

#include "base/file.h"
#include "base/json_value.h"

namespace selftune::hosts::claude_code {
namespace {

using base::JsonValue;
using skillfs::PluginRoot;

constexpr uint64_t kMaxBytes = 4U << 20;

// Null if the file is absent or no JSON.
JsonValue ReadJson(const std::string& path) {
  const auto bytes = base::ReadFile(path, kMaxBytes);
  if (!bytes.ok()) return {};
  auto value = JsonValue::Parse(*bytes);
  return value.ok() ? *std::move(value) : JsonValue();
}

// Adds the skill folders of one installation.
void AddInstallation(std::string_view id, const JsonValue& installation,
                     std::vector<PluginRoot>& out) {
  const std::string& path = installation["installPath"].AsString();
  if (!path.starts_with('/')) return;
  const JsonValue manifest = ReadJson(path + "/.claude-plugin/plugin.json");
  std::string name = manifest["name"].AsString();
  if (name.empty()) name = std::string(id.substr(0, id.find('@')));
  const std::string& project = installation["projectPath"].AsString();
  const auto add = [&](std::string_view folder) {
    out.push_back({name, base::NormalizePath(path, folder), project});
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

std::vector<PluginRoot> PluginSkillRoots(const std::string& config_dir) {
  std::vector<PluginRoot> out;
  if (config_dir.empty()) return out;
  const JsonValue installed = ReadJson(config_dir + "/plugins/installed_plugins.json");
  const JsonValue settings = ReadJson(config_dir + "/settings.json");
  for (const auto& [id, value] : installed["plugins"].members()) {
    if (!settings["enabledPlugins"][id].AsBool(true)) continue;
    // Format 2 has a list of installations, format 1 a single one.
    if (value.is_object()) AddInstallation(id, value, out);
    for (const JsonValue& installation : value.items()) AddInstallation(id, installation, out);
  }
  return out;
}

}  // namespace selftune::hosts::claude_code
