// What the settings of one host say about skills, and what that makes of each of them.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/string_map.h"
#include "skillfs/skill_root.h"
#include "skillfs/switches.h"

namespace selftune::skillfs {

struct SkillPlacement;

// What the settings of a host say about one skill, or about several.
struct SkillRule {
  enum class Says {
    kOff,
    kOn,         // whatever an earlier rule says
    kMayOff,     // not understood: it may switch off
    kMayOn,      // or on
    kMayEither,  // or say anything
  };
  std::string name;
  bool pattern = false;    // `*` of the name stands for any text, `?` for a sign
  bool any_case = false;   // of letters
  std::string path = {};   // of a SKILL.md or its folder, in place of a name
  std::string level = {};  // of all from there (kLevelUser, ...), in place of a name
  Says says = Says::kOff;
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

  // Of those that hold for a session and name a skill the last counts, so that a project says
  // otherwise than the person where its rules come behind.
  // `session_roots`: of the repositories that sessions run in, sorted.
  explicit SkillRules(std::vector<SkillRule> rules,
                      const std::vector<std::string>& session_roots = {},
                      size_t most_effort = kMostEffort);

  SkillRules(const SkillRules&) = delete;  // groups point at each other
  SkillRules& operator=(const SkillRules&) = delete;
  SkillRules(SkillRules&&) = default;
  SkillRules& operator=(SkillRules&&) = default;

  [[nodiscard]] bool empty() const { return rules_.empty(); }

  // What they make of a placement, of which path, name, level and project_root count.
  // `real_path`: of its SKILL.md. Reads no file.
  [[nodiscard]] Switches Of(std::string_view real_path, const SkillPlacement& placement);

  // Settings whose patterns were too many for the names that were asked for.
  [[nodiscard]] std::vector<std::string> TooMany() const;

 private:
  // What is said of a skill: numbers of rules from 1, 0 = none.
  struct Said {
    size_t decides = 0;              // the last that is understood, or may say anything
    size_t may_off = 0, may_on = 0;  // the last of these, where it comes behind
    bool cut = false;                // nobody knows whether that pattern means the skill
  };
  // Of one project, by what they name; numbers of the last rule of each.
  struct Group {
    base::StringMap<size_t> names, any_case, paths, levels;  // any_case in lower case
    std::vector<size_t> patterns;
    base::StringMap<Said> judged;  // by name
    std::vector<std::string> nested;
    std::vector<Group*> around;  // those that hold in there, too
    bool below = false;
    size_t effort = 0;
    bool cut = false;
  };

  [[nodiscard]] static Said Later(const Said& a, const Said& b);
  [[nodiscard]] ProjectSwitch Place(std::string_view root, const Group& group) const;
  // That hold for sessions in a folder; those that hold everywhere left out.
  [[nodiscard]] std::vector<Group*> HoldingIn(std::string_view dir);
  Said OfName(Group& group, const std::string& name);
  Said OfSkill(Group& group, std::string_view real_path, const SkillPlacement& placement);
  [[nodiscard]] SwitchVerdict Judge(const Said& said) const;

  std::vector<SkillRule> rules_;
  std::map<std::string, Group, std::less<>> groups_;  // by project, "" = everywhere
  size_t most_effort_;
};

}  // namespace selftune::skillfs
