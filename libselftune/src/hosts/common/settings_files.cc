#include "hosts/common/settings_files.h"

#include <cstdint>
#include <utility>

#include "base/file.h"
#include "base/strings.h"
#include "install/json_text.h"

namespace selftune::hosts {

using base::JsonValue;

namespace {
constexpr uint64_t kMaxSettings = 4U << 20;
}  // namespace

const std::string* SettingsFiles::Text(const std::string& path) {
  const auto [it, is_new] = texts_.try_emplace(path);
  if (is_new) {
    auto bytes = base::ReadFile(path, kMaxSettings);
    if (bytes.ok()) {
      it->second = *std::move(bytes);
    } else if (CodeOf(bytes.status()).name != kFileNotFound.name) {
      Problem(path, bytes.status());
    }
  }
  return it->second.has_value() ? &*it->second : nullptr;
}

const JsonValue* SettingsFiles::Json(const std::string& path) {
  const std::string* const text = Text(path);
  if (text == nullptr) return nullptr;
  const auto [it, is_new] = documents_.try_emplace(path);
  if (is_new) {
    const auto node = install::ParseJsonText(*text, install::JsonDialect::kComments, path);
    if (node.ok()) {
      it->second = install::ValueOf(*text, *node);
    } else {
      Problem(path, node.status());
    }
  }
  return it->second.has_value() ? &*it->second : nullptr;
}

const JsonValue& SettingsFiles::JsonOrEmpty(const std::string& path) {
  static const JsonValue kEmpty;
  const JsonValue* const found = Json(path);
  return found == nullptr ? kEmpty : *found;
}

std::vector<std::string> SettingsFiles::Folders(const std::string& dir) {
  std::vector<std::string> out;
  const auto entries = base::ListDir(dir);
  if (!entries.ok()) {
    if (CodeOf(entries.status()).name != kFileNotFound.name) Problem(dir, entries.status());
    return out;
  }
  for (const base::DirEntry& entry : *entries) {
    if (!entry.maybe_dir) continue;
    const auto info = base::Stat(base::JoinPath(dir, entry.name));
    if (info.ok() && info->is_dir()) out.push_back(entry.name);
  }
  return out;
}

void SettingsFiles::Problem(const std::string& path, const Status& status) {
  problems_.push_back({path, std::string(CodeOf(status).name), std::string(Message(status))});
}

const JsonValue& ValueAt(const JsonValue& root, std::string_view dotted) {
  const JsonValue* value = &root;
  for (const std::string_view key : base::Split(dotted, '.')) value = &(*value)[key];
  return *value;
}

std::vector<std::string> ProjectFolders(std::string_view dir) {
  std::vector<std::string> up;
  for (std::string folder = base::NormalizePath("/", dir);;) {
    up.push_back(folder);
    if (base::Exists(base::JoinPath(folder, ".git"))) return up;
    std::string parent(base::DirName(folder));
    if (parent.empty() || parent == folder) break;
    folder = std::move(parent);
  }
  up.resize(1);
  return up;
}

std::string SettingsPath(std::string_view home, std::string_view base, std::string_view path) {
  path = base::Trim(path);
  if (path.starts_with('/')) return base::NormalizePath("/", path);
  if (path == "~" || path.starts_with("~/")) {
    return home.empty() ? "" : base::NormalizePath(home, path.size() > 2 ? path.substr(2) : ".");
  }
  return base.empty() || path.empty() ? "" : base::NormalizePath(base, path);
}

}  // namespace selftune::hosts
