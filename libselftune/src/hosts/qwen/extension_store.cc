#include "hosts/qwen/extension_store.h"

#include <set>
#include <utility>

#include "base/file.h"
#include "base/strings.h"

namespace selftune::hosts::qwen {
namespace {

using base::JsonValue;
using Type = JsonValue::Type;

// Its own, and the portable one, for which it looks next.
constexpr std::string_view kManifests[] = {"qwen-extension.json", "plugin.json"};

Extension At(std::string path, SettingsFiles& files) {
  const std::string file = base::JoinPath(path, ".qwen-extension-install.json");
  const JsonValue& installed = files.JsonOrEmpty(file);
  Extension out;
  out.linked = files.TextAt(file, installed, "type") == "link";
  if (out.linked) path = base::NormalizePath(path, files.TextAt(file, installed, "source"));
  for (const std::string_view name : kManifests) {
    std::string manifest = base::JoinPath(path, name);
    if (!out.name.empty() || !base::Exists(manifest)) continue;
    out.name = files.TextAt(manifest, files.JsonOrEmpty(manifest), "name");
    out.manifest = std::move(manifest);
  }
  out.path = std::move(path);
  return out;
}

}  // namespace

std::vector<Extension> InstalledExtensions(const std::string& config_dir, SettingsFiles& files) {
  const std::string folder = base::JoinPath(config_dir, "extensions");
  std::vector<Extension> out;
  std::set<std::string> names;
  for (const std::string& entry : files.Folders(folder)) {
    Extension extension = At(base::JoinPath(folder, entry), files);
    if (extension.name.empty() || !names.insert(base::AsciiLower(extension.name)).second) continue;
    out.push_back(std::move(extension));
  }
  return out;
}

ExtensionStore::ExtensionStore(const std::string& config_dir, SettingsFiles& files)
    : file_(base::JoinPath(config_dir, "extension-store/state.json")) {
  const JsonValue& store = files.ObjectAt(file_, files.JsonOrEmpty(file_), "extensions");
  for (const auto& [id, policy] : store.members()) {
    if (!files.Is(file_, "extensions." + id, policy, {Type::kObject})) continue;
    policies_.try_emplace(files.TextAt(file_, policy, "name"), &policy);
  }
}

const JsonValue* ExtensionStore::PolicyOf(const std::string& extension) const {
  const auto found = policies_.find(extension);
  return found == policies_.end() ? nullptr : found->second;
}

const std::string& ExtensionStore::RealFolder(const std::string& dir) {
  const auto [it, is_new] = folders_.try_emplace(dir);
  if (is_new) it->second = base::RealPath(dir).value_or(dir);
  return it->second;
}

}  // namespace selftune::hosts::qwen
