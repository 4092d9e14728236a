// What the settings of one host say about skills, and what that makes of each of them.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/string_map.h"
#include "skillfs/skill_root.h"

namespace selftune::skillfs {

struct SkillPlacement;

// What the settings of a host say about one skill, or about several.
struct SkillRule {
  std::string name;          // `*` stands for any text; case does not matter
  std::string path;          // of a SKILL.md or its folder, in place of a name
  std::string level = {};    // of all from there (kLevelUser, ...), in place of a name
  bool off = true;           // false: it is on, whatever an earlier rule says
  bool unknown = false;      // the file is not understood: it may say either, or nothing
  std::string settings;      // the file that says so
  std::string project_root;  // only for sessions in there, "" = everywhere
  bool below = true;         // also for those in folders below it
};

// Of the sorted roots of repositories those below a folder. A session looks for settings no
// further up than its repository; one without goes on.
[[nodiscard]] std::vector<std::string> NestedBelow(std::string_view folder,
                                                   const std::vector<std::string>& roots);

// The rules of one host, ready to be asked about thousands of skills: names and paths are
// looked up, and only true patterns are compared, for each name once. What the patterns of one
// project may cost has an end, for a cloned repository may have any: of the names that are
// left then it is not known what they say. Not thread-safe.
class SkillRules {
 public:
  // Characters compared, for each project.
  static constexpr size_t kMostEffort = 50'000'000;

  // Of several that name a skill the last counts, of one project and of those that hold
  // everywhere each.
  // `session_roots`: of the repositories that sessions run in, sorted.
  explicit SkillRules(std::vector<SkillRule> rules,
                      const std::vector<std::string>& session_roots = {},
                      size_t most_effort = kMostEffort);

  [[nodiscard]] bool empty() const { return rules_.empty(); }

  // Fills in disabled_by, disabled_in, unknown_by and unknown_in of a placement; of the rest
  // its path, name, level and project_root count. `real_path`: of its SKILL.md. Reads no file.
  void Apply(std::string_view real_path, SkillPlacement& placement);

  // Settings whose patterns were too many for the names that were asked for.
  [[nodiscard]] std::vector<std::string> TooMany() const;

 private:
  static constexpr size_t kNone = static_cast<size_t>(-1);

  // What is said of a name: the last rule; or nobody knows.
  struct Said {
    size_t rule = kNone;
    bool unknown = false;
  };
  // Of one project, by what they name; indices of the last rule of each.
  struct Group {
    base::StringMap<size_t> names, paths, levels;  // names in lower case
    std::vector<size_t> patterns;
    base::StringMap<Said> judged;  // by name
    std::vector<std::string> nested;
    size_t effort = 0;
    bool cut = false;
  };

  Said OfName(Group& group, const std::string& name);
  // A rule that counts for this skill; null: none does.
  const SkillRule* Decide(Group& group, const std::string& name, std::string_view real_path,
                          const SkillPlacement& placement, bool& unknown);

  std::vector<SkillRule> rules_;
  std::map<std::string, Group> groups_;  // by project, "" = everywhere
  size_t most_effort_;
};

}  // namespace selftune::skillfs
