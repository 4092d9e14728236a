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
    kNames,  // a list of names
    kWords,  // an object, name to a word
    // For tools by patterns of their names: each a word for all skills, or an object, pattern of
    // their names to a word. One word may stand for all tools.
    kTools,
    kToolFlags,  // the same with flags for all skills; `false` switches off
    kFlag,       // `false` switches all of them off
    kLevels,     // a list of where skills come from, kLevelUser and such
    kToml,       // TOML tables with `name` or `path`, and `enabled`
  };
  std::string_view file;            // below the configuration folder, of a project below it
  std::string_view project_file;    // "" = none
  std::string_view home_file = {};  // below the home, of the person too; "" = none
  Form form = Form::kNames;
  // That file counts for sessions in the folders below as well, up to the root of the
  // repository; else in that folder alone.
  bool above = false;
  skillfs::Outside outside = skillfs::Outside::kHere;  // with `above`: kHere or kTop
  std::string_view key;                                // dotted
  // kWords, kTools: those that switch off, by blanks; all others switch on.
  std::string_view off = {};
  std::string_view tool = {};  // kTools, kToolFlags: the one that is about skills
  bool on = false;             // kNames: such a list switches on
  bool any_case = false;       // kNames: of letters
  // kNames: a skill that comes with something, `owner:skill`, is meant by either name.
  bool owned_too = false;
};

// What the settings of the host say, of the person and of the projects of the query. A file
// that cannot be understood is told in `problems`, and has an unknown rule for all skills.
[[nodiscard]] std::vector<skillfs::SkillRule> ReadSkillRules(
    std::string_view platform, const RootQuery& query,
    std::vector<skillfs::DiscoveryProblem>& problems);

}  // namespace selftune::hosts
