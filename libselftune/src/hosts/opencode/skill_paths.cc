#include "hosts/opencode/skill_paths.h"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json_value.h"
#include "base/strings.h"
#include "hosts/common/root_list.h"
#include "hosts/common/settings_files.h"

namespace selftune::hosts::opencode {
namespace {

using base::JsonValue;
using skillfs::NamedRoot;

constexpr std::string_view kOwnFiles[] = {"config.json", "opencode.json", "opencode.jsonc"};
constexpr std::string_view kProjectFiles[] = {"opencode.json", "opencode.jsonc"};
constexpr std::string_view kProjectFolder = ".opencode";

// A list that a file of settings has.
struct List {
  std::string file;
  std::optional<std::vector<std::string>> items = {};  // nothing: no file has one
};

// The last file that has a list counts.
void Take(const std::string& file, SettingsFiles& files, List& list) {
  const JsonValue* const root = files.Json(file);
  if (root == nullptr) return;
  if (files.ListAt(file, *root, "skills.paths").is_null()) return;
  list = {file, files.Texts(file, *root, "skills.paths", SettingsFiles::Keep::kLast)};
}

List OwnList(const std::string& config_dir, SettingsFiles& files) {
  List out;
  if (config_dir.empty()) return out;
  for (const std::string_view name : kOwnFiles) {
    Take(base::JoinPath(config_dir, name), files, out);
  }
  return out;
}

void TakeFolder(const std::string& folder, SettingsFiles& files, List& list) {
  for (const std::string_view name : kProjectFiles) {
    Take(base::JoinPath(folder, name), files, list);
  }
}

// Of a session in a directory: `up` are its folders, nearest first. Of plain files the
// nearest counts, of those in `.opencode` the one that is farthest up. Not that of the home.
List ProjectList(const std::vector<std::string>& up, const std::string& home,
                 SettingsFiles& files) {
  List out;
  for (auto folder = up.rbegin(); folder != up.rend(); ++folder) TakeFolder(*folder, files, out);
  for (const std::string& folder : up) {
    if (folder != home) TakeFolder(base::JoinPath(folder, kProjectFolder), files, out);
  }
  return out;
}

// Where the file counts: in its folder and below.
std::string FolderOf(std::string_view file) {
  std::string_view folder = base::DirName(file);
  if (base::BaseName(folder) == kProjectFolder) folder = base::DirName(folder);
  return std::string(folder);
}

bool IsRelative(std::string_view path) {
  path = base::Trim(path);
  return !path.starts_with('/') && !path.starts_with("~/");
}

NamedRoot Root(std::string path, size_t index) {
  return {.path = std::move(path),
          .precedence = -static_cast<int>(index),
          .depth = skillfs::kAnyDepth,
          .root_too = true};
}

}  // namespace

std::vector<NamedRoot> NamedSkillRoots(const RootQuery& query,
                                       std::vector<skillfs::DiscoveryProblem>& problems) {
  RootList out;
  SettingsFiles files(problems, kOpenCodeJson);
  List own = OwnList(query.config_dir, files);
  // What lies in the home's own folder is read after all others.
  List last;
  if (!query.home.empty()) TakeFolder(base::JoinPath(query.home, kProjectFolder), files, last);
  const bool is_last = last.items.has_value();
  if (is_last) own = std::move(last);
  std::vector<skillfs::ProjectSwitch> replaced;
  std::set<std::string> replacing;  // files
  const std::vector<std::string> roots = SessionRoots(query.project_folders);
  for (const std::vector<std::string>& up : query.project_folders) {
    const List theirs = is_last ? List() : ProjectList(FoldersToTop(up), query.home, files);
    const bool is_own = !theirs.items.has_value();
    if (!is_own && own.items.has_value() && replacing.insert(theirs.file).second) {
      const std::string folder = FolderOf(theirs.file);
      replaced.push_back({folder, theirs.file, true, skillfs::NestedBelow(folder, roots)});
    }
    const List& list = is_own ? own : theirs;
    if (!list.items.has_value()) continue;
    for (size_t i = 0; i < list.items->size(); ++i) {
      const std::string& item = (*list.items)[i];
      if (is_own && !IsRelative(item)) continue;
      NamedRoot root = Root(SettingsPath(query.home, up.front(), item), i);
      root.scope = "project";
      root.project_root = up.back();
      if (out.EffortFor(root.project_root, list.file).used_up()) break;
      out.Add(std::move(root));
    }
  }
  if (!own.items.has_value()) return std::move(out).Take(problems);
  for (size_t i = 0; i < own.items->size(); ++i) {
    const std::string& item = (*own.items)[i];
    if (IsRelative(item)) continue;
    NamedRoot root = Root(SettingsPath(query.home, "", item), i);
    root.disabled_in = replaced;
    out.Add(std::move(root));
  }
  return std::move(out).Take(problems);
}

}  // namespace selftune::hosts::opencode
