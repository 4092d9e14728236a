// Where a host looks for skills, as data.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace selftune::skillfs {

// Which `.md` files that are no SKILL.md a host takes for skills, too: those with a description
// that lie in no skill's folder.
enum class SingleFiles {
  kNone,
  kInRoot,     // right in the folder that is searched; or that folder is such a file itself
  kBelowRoot,  // in the folders below it
  kAll,
};

// Where a host takes a skill from, in the words of those that switch all of one off.
inline constexpr std::string_view kLevelProject = "project";      // a folder of a project
inline constexpr std::string_view kLevelUser = "user";            // of the person, or named
inline constexpr std::string_view kLevelExtension = "extension";  // what comes with something

// How far up a session that runs in no repository looks for a folder.
enum class Outside {
  kHere,       // where it runs alone
  kHome,       // up to the home, or to `/` where that is not above it
  kBelowHome,  // the same without the home itself
  kTop,        // up to `/`
};

// A folder searched for skills. Lower `precedence` wins for equal names where
// the host lets one name hide another.
struct SkillRoot {
  enum class Base {
    kHome,         // under $HOME
    kConfigDir,    // under the host's configuration folder
    kProjectUp,    // under the working directory and each parent up to the repository root
    kProjectOnly,  // under the repository root only
    kProjectHere,  // under the working directory only
    kAbsolute,     // a fixed path (managed by an administrator)
  };
  Base base = Base::kHome;
  std::string_view path;   // relative to the base
  std::string_view scope;  // project global admin system
  int precedence = 0;
  bool nested = false;    // skills lie at any depth, else one level down
  bool root_too = false;  // the folder itself may be a skill
  SingleFiles single_files = SingleFiles::kNone;
  Outside outside = Outside::kHere;  // of kProjectUp
};

// Whether `path` is that folder or lies in it, by their texts.
[[nodiscard]] inline bool IsBelow(std::string_view path, std::string_view folder) {
  return path == folder || (path.size() > folder.size() && path.starts_with(folder) &&
                            (path[folder.size()] == '/' || folder.ends_with('/')));
}

// What settings make of a skill, or of a folder of them; the worse one behind.
enum class SwitchState {
  kOn,
  kUnknown,  // they are not understood, and may switch it off
  kOff,
};

// What a host's settings say for sessions in one project alone.
struct ProjectSwitch {
  std::string project_root, settings;
  bool below = true;  // also for sessions in folders below it
  // But not in these, which are below it and repositories of their own; sorted.
  std::vector<std::string> not_in = {};
  SwitchState state = SwitchState::kOff;

  [[nodiscard]] bool HoldsIn(std::string_view dir) const {
    if (!below) return dir == project_root;
    return IsBelow(dir, project_root) &&
           std::ranges::none_of(not_in,
                                [&](const std::string& other) { return IsBelow(dir, other); });
  }
};

// A folder of skills that a plugin, a package or a setting names.
struct NamedRoot {
  std::string path;  // absolute
  // What brought it along, and looks after those files that are its own (packages.h); "" =
  // nothing did.
  std::string plugin;
  std::string plugin_dir = {};  // where all of it lies
  // Where the host puts such: one that lies elsewhere, by a link, is the person's own. "" =
  // anywhere.
  std::string plugin_home = {};
  bool prefixed = false;              // its skills are called `plugin:skill`, and hide nothing
  std::string_view scope = "global";  // as of a SkillRoot; system: never written
  std::string project_root;           // "" = seen everywhere
  int precedence = 0;     // among the roots of the row; of prefixed ones it says nothing
  size_t depth = 1;       // 1: <root>/<name>/SKILL.md, 0: the folder is a skill
  bool root_too = false;  // the folder itself may be a skill
  SingleFiles single_files = SingleFiles::kNone;
  std::string disabled_by;  // settings that switch it off everywhere, "" = none do
  std::vector<ProjectSwitch> disabled_in;
  std::string unknown_by = {};  // settings that may do so, and are not understood
  std::vector<ProjectSwitch> unknown_in = {};
};

// A folder or a file of settings that could not be read.
struct DiscoveryProblem {
  std::string path;
  std::string code;  // FILE_UNREADABLE, ..., or LINK_CYCLE, TOO_MANY_FOLDERS
  std::string message;
  int64_t line = 0;       // of the file, from 1; 0 = of no line
  bool settings = false;  // what settings say of skills, and where skills lie, is not known
};

// Skills at any depth are looked for so many folders down.
inline constexpr size_t kAnyDepth = 6;

}  // namespace selftune::skillfs
