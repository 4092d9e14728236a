// Finds the skills that are installed on this machine, for all hosts at once.
// Only reads; a broken folder is a problem in the result, never a failure.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/string_map.h"
#include "skillfs/frontmatter.h"
#include "skillfs/skill_root.h"
#include "skillfs/skill_rules.h"
#include "skillfs/switches.h"
#include "skillfs/work_trees.h"

namespace selftune::skillfs {

// How one host finds and names skills; made from its registry row and its settings.
struct HostSkillRules {
  std::string_view platform;
  std::string config_dir;  // absolute
  std::span<const SkillRoot> roots;
  std::vector<NamedRoot> named_roots;
  bool equal_names_shadow = true;          // false: equal names are all listed
  bool name_is_folder = true;              // false: the frontmatter's name, else the folder
  bool skill_ends_search = true;           // no skills below a skill, where roots are nested
  bool ignore_files = false;               // see ignore_rules.h
  std::string_view explicit_only_key;      // frontmatter key, "" = none
  std::string_view policy_file;            // beside SKILL.md, "" = none
  std::string_view policy_implicit_key;    // in that file; false = explicit only
  std::vector<SkillRule> rules;            // of those that name a skill the last counts
  std::vector<std::string> session_roots;  // see SkillRules
  std::vector<DiscoveryProblem> problems;  // of the settings
  bool tells = true;                       // false: what is wrong in its folders is not told
};

// Tells whether a file is still the one that was read. Two contents can have
// the same stamp only when the second was written within a tick of the clock
// after the first was read: stamps that young are not to be kept.
struct FileStamp {
  uint64_t dev = 0;
  uint64_t inode = 0;
  uint64_t size = 0;  // bytes
  int64_t mtime_ns = 0;
  int64_t ctime_ns = 0;

  friend auto operator<=>(const FileStamp&, const FileStamp&) = default;
};

// SHA-256 (32 raw bytes) of files looked at before.
using KnownDigests = std::map<FileStamp, std::string>;

struct DiscoveryRequest {
  std::string home;
  std::vector<HostSkillRules> hosts;
  std::vector<std::string> project_dirs;  // working directories; absent ones are skipped
  std::string absolute_root;              // put before SkillRoot::Base::kAbsolute; for tests
  bool digests = true;                    // false: InstalledSkill::sha256 stays empty
  bool ownership = true;                  // false: nor are work_tree and read_only looked for
  const KnownDigests* known = nullptr;    // these files are not hashed again
  WorkTrees work_trees = {};              // what was seen of them already
};

// One way in which one host sees a skill. A path that several projects name has a
// placement for each of them, unless every session sees it.
struct SkillPlacement {
  std::string path;  // of SKILL.md, or a single file, below the root; links not resolved
  std::string_view platform;
  std::string_view scope;  // project global admin system
  std::string_view level = kLevelUser;
  std::string name;          // as this host calls it
  std::string registry_dir;  // the root it was found in
  std::string project_root;  // of project skills; "" = visible everywhere
  std::string plugin;        // what looks after the file in the person's place, "" = nothing
  bool prefixed = false;     // called `plugin:skill`: no other skill has that name
  int precedence = 0;
  std::string shadowed_by;     // path of the skill that hides it everywhere, "" = none
  bool explicit_only = false;  // the model cannot load it by itself
  Switches switches;           // what the host's settings make of it
};

// Why nobody may change the file now, though it may be written.
struct SkillHold {
  std::string what;     // for people, "" = nothing holds it
  std::string command;  // that shows it
};

// One real file. `skill_locations` of the store has a row for each placement.
struct InstalledSkill {
  std::string name;                        // of the first placement
  std::string real_path;                   // of SKILL.md
  FileStamp stamp;                         // from before it was read
  uint64_t links = 1;                      // hard links
  std::string sha256;                      // of the content, 32 raw bytes; see DiscoveryRequest
  Frontmatter frontmatter;                 // name, description, version, errors
  bool explicit_only = false;              // in every placement
  std::string work_tree;                   // root of the git work tree around it, "" = none
  bool read_only = false;                  // the file or its folder cannot be written
  bool single_file = false;                // to some host: no SKILL.md, see SingleFiles
  SkillHold held;                          // not looked for here (sync/held_skills.h)
  std::vector<SkillPlacement> placements;  // hosts in registry order, then by precedence

  [[nodiscard]] bool in_git() const { return !work_tree.empty(); }
};

// What a discovery cost, counted.
struct DiscoveryCost {
  size_t folders = 0;   // looked through, see SkillWalk::effort
  size_t resolved = 0;  // files whose real path was asked for
  size_t opened = 0;    // files that were read
  size_t steps = 0;     // files of roots, and placements, gone through
};

struct Discovery {
  std::vector<InstalledSkill> skills;  // by name, then real path
  std::vector<DiscoveryProblem> problems;
  DiscoveryCost cost;
};

// The same request on the same disk gives the same result, in the same order.
[[nodiscard]] Discovery DiscoverSkills(const DiscoveryRequest& request);

}  // namespace selftune::skillfs
