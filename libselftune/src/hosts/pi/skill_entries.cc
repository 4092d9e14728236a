#include "hosts/pi/skill_entries.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/json_value.h"
#include "base/strings.h"
#include "hosts/common/settings_files.h"
#include "hosts/pi/package_filter.h"
#include "skillfs/skill_walk.h"

namespace selftune::hosts::pi {
namespace {

using base::JsonValue;
using skillfs::NamedRoot;

// The ranks that the folders of the row leave free.
constexpr int kProjectEntry = 1, kOwnEntry = 4, kProjectPackage = 7, kOwnPackage = 8;

// One file of settings, and the folder that what it says is relative to.
struct Side {
  std::string dir;           // of settings.json
  std::string project_root;  // "" = the person's
  const std::string* home = nullptr;
  // Where the person's packages lie.
  const std::string* own_dir = nullptr;

  [[nodiscard]] bool is_own() const { return project_root.empty(); }
  [[nodiscard]] std::string file() const { return base::JoinPath(dir, "settings.json"); }
};

bool IsOverride(std::string_view word) {
  return word.starts_with('!') || word.starts_with('+') || word.starts_with('-');
}
bool IsGlob(std::string_view word) { return word.find_first_of("*?") != std::string_view::npos; }

std::vector<std::string> Texts(const JsonValue& list) {
  std::vector<std::string> out;
  for (const JsonValue& item : list.items()) {
    if (item.is_string()) out.push_back(item.AsString());
  }
  return out;
}

NamedRoot RootOf(const Side& side, std::string path, int rank) {
  NamedRoot root{.path = std::move(path),
                 .plugin = "",
                 .scope = side.is_own() ? "global" : "project",
                 .project_root = side.project_root,
                 .precedence = rank,
                 .depth = skillfs::kAnyDepth,
                 .root_too = true};
  if (base::BaseName(root.path) == "SKILL.md") {
    root.path = std::string(base::DirName(root.path));
    root.depth = 0;
  }
  return root;
}

// `skills`: what is no pattern is a folder of skills, a skill, or its SKILL.md.
void AddEntries(const Side& side, const JsonValue& settings, std::vector<NamedRoot>& out) {
  for (const std::string& entry : Texts(settings["skills"])) {
    if (IsOverride(entry) || IsGlob(entry)) continue;
    std::string path = SettingsPath(*side.home, side.dir, entry);
    if (path.empty()) continue;
    out.push_back(RootOf(side, std::move(path), side.is_own() ? kOwnEntry : kProjectEntry));
  }
}

struct Package {
  std::string folder;
  std::string source;    // as the settings have it
  bool managed = false;  // installed from elsewhere
  std::vector<std::string> entries;
  bool filtered = false;    // the settings say which skills
  bool only_named = false;  // and load no others
  std::vector<std::string> filter;
};

// Whether a pattern of the manifest means a skill's folder, or one that it lies in.
bool IsMeant(std::string_view pattern, std::string_view skill) {
  for (std::string_view folder = skill; !folder.empty(); folder = base::DirName(folder)) {
    if (PathMatches(pattern, folder)) return true;
  }
  return PathMatches(pattern, base::JoinPath(skill, "SKILL.md"));
}

// The folder that a pattern cannot leave.
std::string FixedPart(std::string_view pattern) {
  const size_t glob = pattern.find_first_of("*?");
  return std::string(base::DirName(pattern.substr(0, glob)));
}

bool IsWithin(std::string_view folder, std::string_view path) {
  return path == folder ||
         (path.starts_with(folder) && path.substr(folder.size()).starts_with('/'));
}

// What a manifest names elsewhere, by its words or by a link, is not the package's to look
// after: a cloned repository could take a person's skills away with it.
bool IsOfPackage(const Package& package, const std::string& path) {
  const auto real = base::RealPath(path), folder = base::RealPath(package.folder);
  return real.ok() && folder.ok() && IsWithin(*folder, *real);
}

// An update replaces what was installed; a folder that is only named is the person's own.
void LookAfter(const Package& package, NamedRoot& root) {
  if (!package.managed || !IsOfPackage(package, root.path)) return;
  root.plugin = package.source;
  root.scope = "system";
}

// Skills that the manifest names, their folders below the package; each once.
std::set<std::string> SkillsOf(const Package& package,
                               std::vector<skillfs::DiscoveryProblem>& problems) {
  std::vector<std::string> overrides;
  for (const std::string& entry : package.entries) {
    if (IsOverride(entry)) overrides.push_back(entry);
  }
  std::set<std::string> out;
  for (const std::string& entry : package.entries) {
    if (IsOverride(entry)) continue;
    const bool glob = IsGlob(entry);
    const std::string start =
        base::NormalizePath(package.folder, glob ? FixedPart(entry) : std::string(entry));
    skillfs::SkillWalk found = skillfs::WalkSkills(
        start, {.depth = skillfs::kAnyDepth, .skill_ends_search = true, .root_too = true});
    for (skillfs::WalkProblem& one : found.problems) {
      problems.push_back({std::move(one.path), std::move(one.code), std::move(one.message)});
    }
    for (const skillfs::FoundSkillFile& file : found.files) {
      std::string_view below = base::DirName(file.path);
      if (!IsWithin(package.folder, below)) continue;
      below.remove_prefix(std::min(below.size(), package.folder.size() + 1));
      if (glob && !IsMeant(entry, below)) continue;
      if (LetsIn(overrides, below)) out.insert(std::string(below));
    }
  }
  return out;
}

// Each skill by itself, where not all of a folder are loaded.
void AddEachSkill(const Side& side, const Package& package, NamedRoot root,
                  std::vector<skillfs::DiscoveryProblem>& problems, std::vector<NamedRoot>& out) {
  root.depth = 0;
  root.root_too = true;
  for (const std::string& below : SkillsOf(package, problems)) {
    const Word word = LastWord(package.filter, below);
    if (package.only_named && word == Word::kNone) continue;
    const bool in = package.only_named ? word == Word::kIn
                                       : !package.filter.empty() && LetsIn(package.filter, below);
    root.path = base::NormalizePath(package.folder, below);
    root.disabled_by = !package.filtered || in ? "" : side.file();
    out.push_back(root);
    LookAfter(package, out.back());
  }
}

void AddSkillsOf(const Side& side, const Package& package,
                 std::vector<skillfs::DiscoveryProblem>& problems, std::vector<NamedRoot>& out) {
  NamedRoot root = RootOf(side, package.folder, side.is_own() ? kOwnPackage : kProjectPackage);
  const bool some =
      package.filtered || std::ranges::any_of(package.entries, [](const std::string& entry) {
        return IsOverride(entry) || IsGlob(entry);
      });
  if (some) return AddEachSkill(side, package, std::move(root), problems, out);
  for (const std::string& entry : package.entries) {
    NamedRoot one = RootOf(side, base::NormalizePath(package.folder, entry), root.precedence);
    if (!IsWithin(package.folder, one.path)) continue;
    LookAfter(package, one);
    out.push_back(std::move(one));
  }
}

// `packages`: a text, or an object with a `source` and which skills of it.
void AddPackage(const Side& side, const JsonValue& said, SettingsFiles& files,
                std::vector<skillfs::DiscoveryProblem>& problems, std::vector<NamedRoot>& out) {
  Package package;
  package.source = said.is_string() ? said.AsString() : said["source"].AsString();
  if (package.source.empty()) return;
  const std::string below = PackageFolder(package.source);
  package.managed = !below.empty();
  package.only_named = said["autoload"].is_bool() && !said["autoload"].AsBool();
  // A project that only says which skills of the person's package it wants.
  const std::string& base = package.only_named && !side.own_dir->empty() ? *side.own_dir : side.dir;
  package.folder = package.managed ? base::JoinPath(base, below)
                                   : SettingsPath(*side.home, side.dir, package.source);
  if (package.folder.empty()) return;
  const JsonValue& manifest =
      files.JsonOrEmpty(base::JoinPath(package.folder, "package.json"))["pi"];
  package.filtered = package.only_named || said["skills"].is_array();
  package.filter = Texts(said["skills"]);
  package.entries = Texts(manifest["skills"]);
  // A manifest that names no skills has none, unless the settings ask for some.
  const bool by_folder = package.filtered   ? package.entries.empty()
                         : said.is_object() ? !manifest["skills"].is_array()
                                            : !manifest.is_object();
  if (by_folder) package.entries = {"skills"};
  AddSkillsOf(side, package, problems, out);
}

void AddSide(const Side& side, SettingsFiles& files,
             std::vector<skillfs::DiscoveryProblem>& problems, std::vector<NamedRoot>& out) {
  const JsonValue& settings = files.JsonOrEmpty(side.file());
  AddEntries(side, settings, out);
  for (const JsonValue& package : settings["packages"].items()) {
    AddPackage(side, package, files, problems, out);
  }
}

}  // namespace

std::vector<NamedRoot> NamedSkillRoots(const RootQuery& query,
                                       std::vector<skillfs::DiscoveryProblem>& problems) {
  std::vector<NamedRoot> out;
  SettingsFiles files(problems);
  if (!query.config_dir.empty()) {
    AddSide({query.config_dir, "", &query.home, &query.config_dir}, files, problems, out);
  }
  for (const std::string& dir : query.project_dirs) {
    const std::vector<std::string> up = ProjectFolders(dir);
    const Side side{base::JoinPath(up.front(), ".pi"), up.back(), &query.home, &query.config_dir};
    if (side.dir != query.config_dir) AddSide(side, files, problems, out);
  }
  return out;
}

}  // namespace selftune::hosts::pi
