// Where people switch skills off in the settings of a host; each host's are
// defined in its folder.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "hosts/registry.h"
#include "skillfs/discovery.h"

namespace selftune::hosts {

// One place in one file of settings, the person's and that of a project, in the order in which
// the host takes them. Of all that name a skill the last one counts: a project switches on what
// the person switched off where the host lets a word of the same place take the place of another
// (kWords, kFlag), never against a list that it puts together of both (kNames, kLevels), and never
// without a `project_file`.
struct SkillSwitch {
  enum class Form {
    kNames,   // a list of names
    kWords,   // an object, name to a word
    kFlag,    // `false` switches all of them off
    kLevels,  // a list of where skills come from, kLevelUser and such
    kToml,    // TOML tables with `name` or `path`, and `enabled`
  };
  std::string_view file;          // below the configuration folder
  std::string_view project_file;  // below the folder that a session runs in, "" = none
  Form form = Form::kNames;
  std::string_view key;  // dotted
  // kWords: those that switch off, by blanks; all others switch on.
  std::string_view off = {};
  bool on = false;        // kNames: such a list switches on
  bool any_case = false;  // kNames: of letters
  // kNames: a skill that comes with something, `owner:skill`, is meant by either name.
  bool owned_too = false;
};

// What the settings of the host say, of the person and of the projects of the query. A file
// that cannot be understood is told in `problems`, and has an unknown rule for all skills.
[[nodiscard]] std::vector<skillfs::SkillRule> ReadSkillRules(
    std::string_view platform, const RootQuery& query,
    std::vector<skillfs::DiscoveryProblem>& problems);

}  // namespace selftune::hosts
