#include "hosts/codex/plugins.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/file.h"
#include "base/json_value.h"
#include "base/string_map.h"
#include "base/strings.h"
#include "hosts/codex/install_toml.h"
#include "hosts/common/settings_files.h"

namespace selftune::hosts::codex {
namespace {

using base::JsonValue;
using skillfs::NamedRoot;

constexpr std::string_view kLocal = "local";  // of a plugin without a version
constexpr std::string_view kManifests[] = {".codex-plugin/plugin.json",
                                           ".claude-plugin/plugin.json"};

struct PluginConfig {
  std::map<std::string, bool> enabled;  // by NAME@MARKETPLACE
  bool all_off = false;
};

bool IsFlag(const TomlValue& value) { return value.Is("true") || value.Is("false"); }

PluginConfig ReadPlugins(const std::string& config, SettingsFiles& files) {
  PluginConfig out;
  base::StringSet lists;  // of tables, where a table belongs
  files.Toml(config, [&](const TomlValue& value) {
    const auto& path = value.path;
    if (path[0] != "plugins" && path[0] != "features") return;
    const auto tell = [&](std::string_view expected) {
      files.TellShape(config, fmt::format("{}", fmt::join(path, ".")), expected, value.Kind());
    };
    // What stands in a list nobody knows; that it is one is told.
    const bool of_list =
        lists.contains(path[0]) ||
        (path.size() > 1 && lists.contains(fmt::format("{}\n{}", path[0], path[1])));
    if (of_list || (value.in_list && !value.is_table)) return;
    const bool a_table = path.size() == 1 || (path.size() == 2 && path[0] == "plugins");
    if (a_table && value.in_list) lists.insert(fmt::format("{}", fmt::join(path, "\n")));
    if (a_table && (!value.is_table || value.in_list)) {
      tell("a table");
      if (!value.in_list || path.size() == 1) return;
    }
    const bool of_plugin = path.size() == 3 && path[0] == "plugins" && path[2] == "enabled";
    const bool of_all = path.size() == 2 && path[0] == "features" && path[1] == "plugins";
    if ((of_plugin || of_all) && !IsFlag(value)) return tell("a flag");
    if (of_all) out.all_off = value.Is("false");
    // A table without keys leaves the plugin on.
    if (path.size() < (value.is_table ? 2 : 3) || path[0] != "plugins") return;
    const auto [it, is_new] = out.enabled.try_emplace(path[1], true);
    if (path.size() == 3 && path[2] == "enabled") it->second = !value.Is("false");
  });
  return out;
}

struct SemanticVersion {
  std::array<uint64_t, 3> numbers{};
  std::string_view before;  // "rc.1" of 1.0.0-rc.1
};

std::optional<SemanticVersion> ParseVersion(std::string_view text) {
  SemanticVersion out;
  text = text.substr(0, text.find('+'));
  const size_t dash = text.find('-');
  if (dash != std::string_view::npos) out.before = text.substr(dash + 1);
  const auto parts = base::Split(text.substr(0, dash), '.');
  if (parts.size() != out.numbers.size()) return std::nullopt;
  for (size_t i = 0; i < parts.size(); ++i) {
    const char* const begin = parts[i].data();
    const char* const end = begin + parts[i].size();
    const auto [stop, error] = std::from_chars(begin, end, out.numbers[i]);
    if (parts[i].empty() || error != std::errc() || stop != end) return std::nullopt;
  }
  return out;
}

// Of what comes before a version, part by part: numbers by their value and before words
// (SemVer 11.4).
bool IsEarlier(std::string_view before, std::string_view than) {
  const auto a = base::Split(before, '.'), b = base::Split(than, '.');
  const auto key = [](std::string_view part) {
    const bool number = !part.empty() && part.find_first_not_of("0123456789") == part.npos;
    if (number) part.remove_prefix(std::min(part.find_first_not_of('0'), part.size()));
    return std::tuple(!number, number ? part.size() : 0, part);
  };
  return std::ranges::lexicographical_compare(
      a, b, [&](std::string_view x, std::string_view y) { return key(x) < key(y); });
}

bool IsVersion(std::string_view text) {
  if (text.empty() || text == "." || text == "..") return false;
  return std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == '+';
  });
}

// The folder of the version in use; "" if the plugin is not installed.
std::string ActiveFolder(const std::string& base, SettingsFiles& files) {
  std::string best;
  for (const std::string& version : files.Folders(base)) {
    if (IsVersion(version) && (best.empty() || IsOlderVersion(best, version))) best = version;
  }
  return best.empty() ? "" : base::JoinPath(base, best);
}

// A manifest says "./skills", never where else on the machine.
bool IsInside(std::string_view path) {
  if (!path.starts_with("./") || path.size() == 2) return false;
  const auto parts = base::Split(path, '/');
  return std::ranges::find(parts, "..") == parts.end();
}

// The files that switch a plugin off, or may do so; "" = none.
struct Verdict {
  std::string disabled_by, unknown_by;
};

void AddPlugin(const std::string& folder, const std::string& cache, const Verdict& verdict,
               SettingsFiles& files, std::vector<NamedRoot>& out) {
  const JsonValue* manifest = nullptr;
  std::string file;
  for (const std::string_view name : kManifests) {
    if (!base::Exists(base::JoinPath(folder, name))) continue;
    file = base::JoinPath(folder, name);
    manifest = files.Json(file);
    break;
  }
  if (manifest == nullptr) return;  // the host loads nothing of it either
  std::string name = files.TextAt(file, *manifest, "name");
  if (base::Trim(name).empty()) name = std::string(base::BaseName(folder));
  // What the manifest names takes the place of `skills`.
  std::vector<std::string> folders;
  const JsonValue& named =
      files.At(file, *manifest, "skills", {JsonValue::Type::kString, JsonValue::Type::kArray});
  if (IsInside(named.AsString())) folders.push_back(named.AsString());
  if (named.is_array()) {
    for (std::string& item : files.Texts(file, *manifest, "skills")) {
      if (IsInside(item)) folders.push_back(std::move(item));
    }
  }
  if (folders.empty()) folders.emplace_back("skills");
  for (const std::string& below : folders) {
    out.push_back({.path = base::NormalizePath(folder, below),
                   .plugin = name,
                   .plugin_dir = folder,
                   .plugin_home = cache,
                   .prefixed = true,
                   .depth = skillfs::kAnyDepth,
                   .root_too = true,
                   .disabled_by = verdict.disabled_by,
                   .unknown_by = verdict.unknown_by});
  }
}

}  // namespace

bool IsOlderVersion(std::string_view version, std::string_view than) {
  if (version == kLocal || than == kLocal) return version != kLocal;
  const auto a = ParseVersion(version), b = ParseVersion(than);
  if (!a.has_value() || !b.has_value()) return version < than;
  if (a->numbers != b->numbers) return a->numbers < b->numbers;
  // One that comes before a version is older than it.
  if (a->before.empty() || b->before.empty()) return !a->before.empty() && b->before.empty();
  return IsEarlier(a->before, b->before);
}

std::vector<NamedRoot> PluginSkillRoots(const RootQuery& query,
                                        std::vector<skillfs::DiscoveryProblem>& problems) {
  std::vector<NamedRoot> out;
  if (query.config_dir.empty()) return out;
  SettingsFiles files(problems);
  const std::string config = base::JoinPath(query.config_dir, "config.toml");
  const PluginConfig plugins = ReadPlugins(config, files);
  const std::string cache = base::JoinPath(query.config_dir, "plugins/cache");
  for (const auto& [id, enabled] : plugins.enabled) {
    const size_t at = id.rfind('@');
    if (at == std::string::npos) continue;
    const std::string_view plugin = std::string_view(id).substr(0, at);
    const std::string_view market = std::string_view(id).substr(at + 1);
    if (!IsVersion(plugin) || !IsVersion(market)) continue;
    const std::string folder =
        ActiveFolder(base::JoinPath(base::JoinPath(cache, market), plugin), files);
    if (folder.empty()) continue;
    const bool off = !enabled || plugins.all_off;
    const bool unknown = !off && files.IsUnknown(config);
    AddPlugin(folder, cache, {off ? config : "", unknown ? config : ""}, files, out);
  }
  return out;
}

}  // namespace selftune::hosts::codex
