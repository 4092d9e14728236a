// Where people switch skills off in the settings of a host; each host's are
// defined in its folder.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "skillfs/discovery.h"
#include "skillfs/work_trees.h"

namespace selftune::hosts {

// One place in one file of settings. Of several that name a skill the last one counts.
struct SkillSwitch {
  enum class Form {
    kNames,    // a list of names
    kWords,    // an object, name or pattern with "*" to a word; or the word for all of them
    kEntries,  // an object, name to an object with `enabled`
    kPaths,    // a list of texts: "-PATH" of a skill's folder or SKILL.md, from the file's folder
    kToml,     // TOML tables with `name` or `path`, and `enabled`
  };
  std::string_view file;          // below the configuration folder, of a project below it
  std::string_view project_file;  // "" = none
  Form form = Form::kNames;
  std::string_view key;       // dotted
  std::string_view off = {};  // kWords: those that switch off, by blanks; all others switch on
  bool on = false;            // kNames: such a list switches on
};

[[nodiscard]] std::span<const SkillSwitch> SwitchesOf(std::string_view platform);

// The working directories and the folders above them up to the roots of their repositories:
// where settings of projects lie.
[[nodiscard]] std::set<std::string> SettingsFolders(std::span<const std::string> project_dirs,
                                                    skillfs::WorkTrees& work_trees);

// What the settings of the host say, of the person and of the projects, which are in `folders`.
// Files that cannot be understood are told in `problems`.
[[nodiscard]] std::vector<skillfs::SkillRule> ReadSkillRules(
    std::string_view platform, const std::string& config_dir, const std::set<std::string>& folders,
    std::vector<skillfs::DiscoveryProblem>& problems);

}  // namespace selftune::hosts
