#include "hosts/pi/skill_entries.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/json_value.h"
#include "base/strings.h"
#include "hosts/common/root_list.h"
#include "hosts/common/settings_files.h"
#include "hosts/pi/npm_folders.h"
#include "hosts/pi/package_filter.h"
#include "hosts/pi/skill_words.h"
#include "skillfs/skill_walk.h"

namespace selftune::hosts::pi {
namespace {

using base::JsonValue;
using skillfs::IsBelow;
using skillfs::NamedRoot;
using skillfs::SingleFiles;

// The ranks that the folders of the row leave free.
constexpr int kProjectEntry = 1, kOwnEntry = 4, kProjectPackage = 7, kOwnPackage = 8;

// What a byte and a value of a manifest cost, as Effort.
constexpr size_t kByte = 2, kValue = 100;

// One file of settings, and the folder that what it says is relative to.
struct Side {
  std::string dir;           // of settings.json
  std::string project_root;  // "" = the person's
  const RootQuery* query = nullptr;

  [[nodiscard]] bool is_own() const { return project_root.empty(); }
  [[nodiscard]] std::string file() const { return base::JoinPath(dir, "settings.json"); }
};

// One look at all settings, and what it found.
struct Search {
  explicit Search(std::vector<skillfs::DiscoveryProblem>& all) : problems(all), files(all) {}

  // Skills below a folder; patterns begin in the same few.
  const skillfs::SkillWalk& Walk(const std::string& start, SingleFiles single, Effort& effort) {
    const auto [it, is_new] = walks.try_emplace({start, single});
    // What was cut for others is looked at again.
    if (!is_new && !it->second.cut) return it->second;
    it->second = skillfs::WalkSkills(start, {.depth = skillfs::kAnyDepth,
                                             .skill_ends_search = true,
                                             .root_too = true,
                                             .single_files = single,
                                             .ignore_files = true,
                                             .most = effort.left() / Effort::kFolder + 1});
    effort.Spend(it->second.effort * Effort::kFolder);
    for (const skillfs::WalkProblem& one : it->second.problems) {
      problems.push_back({.path = one.path, .code = one.code, .message = one.message});
    }
    return it->second;
  }

  std::vector<skillfs::DiscoveryProblem>& problems;
  SettingsFiles files;
  std::map<std::pair<std::string, SingleFiles>, skillfs::SkillWalk> walks;  // by start
  // Skills of packages that the settings take out: naming them once more changes nothing.
  std::set<std::string> out;
  RootList roots;
  std::vector<std::string> npm_command;  // of the person
};

NamedRoot RootOf(const Side& side, std::string path, int rank) {
  NamedRoot root{.path = std::move(path),
                 .plugin = "",
                 .scope = side.is_own() ? "global" : "project",
                 .project_root = side.project_root,
                 .precedence = rank,
                 .depth = skillfs::kAnyDepth,
                 .root_too = true,
                 .single_files = SingleFiles::kInRoot};
  if (base::BaseName(root.path) == "SKILL.md") {
    root.path = std::string(base::DirName(root.path));
    root.depth = 0;
    root.single_files = SingleFiles::kNone;
  }
  return root;
}

// Of a root that one skill alone is.
void SetSkill(const std::string& place, bool single, NamedRoot& root) {
  root.path = place;
  root.depth = 0;
  root.single_files = single ? SingleFiles::kInRoot : SingleFiles::kNone;
}

// A folder that is named, without what packages of the same settings leave out.
void AddEntry(const Side& side, NamedRoot root, Search& search) {
  const bool all = std::ranges::none_of(
      search.out, [&](const std::string& skill) { return IsBelow(skill, root.path); });
  if (all) return search.roots.Add(std::move(root));
  Effort& effort = search.roots.EffortFor(side.project_root, side.file());
  const skillfs::SkillWalk& walk = search.Walk(root.path, root.single_files, effort);
  for (const skillfs::FoundSkillFile& file : walk.files) {
    SetSkill(file.Place(), file.single, root);
    if (!search.out.contains(root.path)) search.roots.Add(root);
  }
}

// `skills`: what is no pattern is a folder of skills, a skill, its SKILL.md or a single file.
void AddEntries(const Side& side, Search& search) {
  for (const std::string& entry : SkillsIn(side.file(), search.files)) {
    if (IsOverride(entry) || IsGlob(entry)) continue;
    std::string path = SettingsPath(side.query->home, side.dir, entry);
    if (path.empty()) continue;
    AddEntry(side, RootOf(side, std::move(path), side.is_own() ? kOwnEntry : kProjectEntry),
             search);
  }
}

constexpr std::string_view kNpm = "npm/node_modules/";

struct Package {
  std::string folder;
  std::string home;    // the host installs into it, "" = not from elsewhere
  std::string source;  // as the settings have it
  std::vector<std::string> entries;
  bool filtered = false;    // the settings say which skills
  bool only_named = false;  // and load no others
  std::vector<std::string> filter;
};

// Whether a pattern of the manifest means a skill's folder, or one that it lies in.
bool IsMeant(std::string_view pattern, std::string_view skill, bool single, Effort& effort) {
  const auto matches = [&](std::string_view path) {
    const PatternMatch match = PathMatches(pattern, path);
    effort.Spend(match.steps + 1);
    return match.holds;
  };
  // A single file by itself or right in a folder that is meant.
  if (single) return matches(skill) || matches(base::DirName(skill));
  for (std::string_view folder = skill; !folder.empty(); folder = base::DirName(folder)) {
    if (matches(folder)) return true;
  }
  return matches(base::JoinPath(skill, "SKILL.md"));
}

// The folder that a pattern cannot leave.
std::string FixedPart(std::string_view pattern) {
  const size_t glob = pattern.find_first_of("*?");
  return std::string(base::DirName(pattern.substr(0, glob)));
}

// An update replaces what was installed; a folder that is only named is the person's own.
void LookAfter(const Package& package, NamedRoot& root) {
  if (package.home.empty()) return;
  root.plugin = package.source;
  root.plugin_dir = package.folder;
  root.plugin_home = package.home;
  root.scope = "system";
}

// Skills that the manifest names, where they are below the package, each once; and whether they
// are single files.
std::map<std::string, bool> SkillsOf(const Package& package, Effort& effort, Search& search) {
  std::vector<std::string> overrides;
  for (const std::string& entry : package.entries) {
    if (IsOverride(entry)) overrides.push_back(entry);
  }
  std::map<std::string, bool> decided;  // whether the overrides let it in
  std::map<std::string, bool> out;
  std::set<std::string_view> done;
  for (const std::string& entry : package.entries) {
    if (effort.used_up()) break;
    if (IsOverride(entry) || !done.insert(entry).second) continue;
    const bool glob = IsGlob(entry);
    const std::string start =
        base::NormalizePath(package.folder, glob ? FixedPart(entry) : std::string(entry));
    // A manifest sends nobody through folders outside.
    if (!IsBelow(start, package.folder)) continue;
    const SingleFiles single = glob ? SingleFiles::kAll : SingleFiles::kInRoot;
    for (const skillfs::FoundSkillFile& file : search.Walk(start, single, effort).files) {
      if (effort.used_up()) break;
      effort.Spend(1);
      const std::string place = file.Place();
      std::string_view below = place;
      if (!IsBelow(below, package.folder)) continue;
      below.remove_prefix(std::min(below.size(), package.folder.size() + 1));
      if (decided.contains(std::string(below)) ||
          (glob && !IsMeant(entry, below, file.single, effort))) {
        continue;
      }
      const SkillFolder skill{std::string(below), place, file.single};
      const bool in = LetsIn(overrides, skill, effort);
      decided.emplace(below, in);
      if (in) out.emplace(below, file.single);
    }
  }
  return out;
}

// Each skill by itself, where not all of a folder are loaded.
void AddEachSkill(const Side& side, const Package& package, NamedRoot root, Search& search) {
  root.root_too = true;
  LookAfter(package, root);
  Effort& effort = search.roots.EffortFor(side.project_root, side.file());
  for (const auto& [below, single] : SkillsOf(package, effort, search)) {
    if (effort.used_up()) return;
    SetSkill(base::NormalizePath(package.folder, below), single, root);
    const SkillFolder skill{below, root.path, single};
    const Word word = LastWord(package.filter, skill, effort);
    if (package.only_named && word == Word::kNone) continue;
    const bool in = package.only_named
                        ? word == Word::kIn
                        : !package.filter.empty() && LetsIn(package.filter, skill, effort);
    root.disabled_by = !package.filtered || in ? "" : side.file();
    if (!root.disabled_by.empty()) search.out.insert(root.path);
    search.roots.Add(root);
  }
}

void AddSkillsOf(const Side& side, const Package& package, Search& search) {
  NamedRoot root = RootOf(side, package.folder, side.is_own() ? kOwnPackage : kProjectPackage);
  const bool some =
      package.filtered || std::ranges::any_of(package.entries, [](const std::string& entry) {
        return IsOverride(entry) || IsGlob(entry);
      });
  if (some) return AddEachSkill(side, package, std::move(root), search);
  std::set<std::string_view> done;
  for (const std::string& entry : package.entries) {
    if (!done.insert(entry).second) continue;
    NamedRoot one = RootOf(side, base::NormalizePath(package.folder, entry), root.precedence);
    if (!IsBelow(one.path, package.folder)) continue;
    LookAfter(package, one);
    search.roots.Add(std::move(one));
  }
}

// Where packages like this one are installed; "" of a project whose folder is a link out of
// it: what lies there is not what the host installed for the project.
std::string HomeOf(const Side& side, const std::string& base, const std::string& below) {
  std::string home = base::JoinPath(base, below.substr(0, below.find('/')));
  if (side.is_own() || base != side.dir) return home;
  const auto real = base::RealPath(home), root = base::RealPath(side.project_root);
  return real.ok() && root.ok() && IsBelow(*real, *root) ? home : "";
}

// `packages`: a text, or an object with a `source` and which skills of it.
void AddPackage(const Side& side, const JsonValue& said, std::set<std::string>& done,
                Search& search) {
  Package package;
  SettingsFiles& files = search.files;
  const std::string own_file = side.file();
  if (!files.Is(own_file, "an entry of packages", said,
                {JsonValue::Type::kString, JsonValue::Type::kObject})) {
    return;
  }
  package.source = said.is_string() ? said.AsString() : files.TextAt(own_file, said, "source");
  if (package.source.empty()) return;
  const std::string below = PackageFolder(package.source);
  package.only_named = !files.FlagAt(own_file, said, "autoload", true);
  // A project that only says which skills of the person's package it wants.
  const std::string& own_dir = side.query->config_dir;
  const std::string& base = package.only_named && !own_dir.empty() ? own_dir : side.dir;
  package.folder = below.empty() ? SettingsPath(side.query->home, side.dir, package.source)
                                 : base::JoinPath(base, below);
  std::string global;
  if (base == own_dir && below.starts_with(kNpm) && !base::Exists(package.folder)) {
    global = GlobalNpmFolder(below.substr(kNpm.size()), search.npm_command, *side.query);
    if (!global.empty()) package.folder = global;
  }
  // Of one package that a file names again, in whatever version, the first counts.
  if (package.folder.empty() || !done.insert(package.folder).second) return;
  if (!global.empty()) {
    package.home = global.substr(0, global.size() - (below.size() - kNpm.size()) - 1);
  } else if (!below.empty()) {
    package.home = HomeOf(side, base, below);
  }
  const std::string file = base::JoinPath(package.folder, "package.json");
  const std::string* const text = search.files.Text(file);
  Effort& effort = search.roots.EffortFor(side.project_root, side.file());
  effort.Spend(Effort::kFolder);
  if (text != nullptr) effort.Spend(kByte * text->size() + kValue * MostJsonValues(*text));
  const JsonValue& manifest = files.ObjectAt(file, files.JsonOrEmpty(file), "pi");
  package.filtered = package.only_named || said["skills"].is_array();
  // Of the words for a package that loads nothing by itself the last counts.
  package.filter = files.Texts(own_file, said, "skills", SettingsFiles::Keep::kAll);
  package.entries = files.Texts(file, manifest, "skills");
  // A manifest that names no skills has none, unless the settings ask for some.
  const bool by_folder = package.filtered   ? package.entries.empty()
                         : said.is_object() ? !manifest["skills"].is_array()
                                            : !manifest.is_object();
  if (by_folder) package.entries = {"skills"};
  AddSkillsOf(side, package, search);
}

void AddSide(const Side& side, Search& search) {
  const JsonValue& settings = search.files.JsonOrEmpty(side.file());
  const Effort& effort = search.roots.EffortFor(side.project_root, side.file());
  std::set<std::string> done;
  for (const JsonValue& package :
       search.files.Items(side.file(), search.files.ListAt(side.file(), settings, "packages"))) {
    if (effort.used_up()) break;
    AddPackage(side, package, done, search);
  }
  AddEntries(side, search);
}

}  // namespace

std::vector<NamedRoot> NamedSkillRoots(const RootQuery& query,
                                       std::vector<skillfs::DiscoveryProblem>& problems) {
  Search search(problems);
  if (!query.config_dir.empty()) {
    const Side own{query.config_dir, "", &query};
    search.npm_command =
        search.files.Texts(own.file(), search.files.JsonOrEmpty(own.file()), "npmCommand");
    AddSide(own, search);
  }
  const std::set<std::string> own = search.out;
  for (const std::vector<std::string>& up : query.project_folders) {
    const Side side{base::JoinPath(up.front(), ".pi"), up.back(), &query};
    search.out = own;
    if (side.dir != query.config_dir) AddSide(side, search);
  }
  return std::move(search.roots).Take(problems);
}

}  // namespace selftune::hosts::pi
