// What a line of shell does with skills. The rules are the same for all hosts:
// a reader (`cat sed head tail less more bat awk`) on a SKILL.md reads the
// skill, an interpreter on a file below a skill's `scripts/` runs it; listing,
// searching, copying and editing are no use.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hosts/common/shell_words.h"
#include "store/vocabulary.h"

namespace selftune::hosts {

// One skill a line uses.
struct ShellSkillUse {
  std::string skill;                // name of the skill's folder
  std::string path;                 // of its SKILL.md, resolved as far as the text allows
  Route route = Route::kShellRead;  // kShellRead or kScriptRun
  std::string script;               // kScriptRun: the file that is run
  // Does the path have a folder `skills` above the skill's own? A host that
  // knows its skills compares `path` instead.
  bool in_skills_folder = false;
};

struct ShellSkills {
  std::vector<ShellSkillUse> uses;   // at most one a path and route, in order
  std::vector<std::string> changed;  // SKILL.md files the line writes to
  size_t commands = 0;               // simple commands of the line
};

[[nodiscard]] ShellSkills FindShellSkills(std::string_view line, const ShellPlace& place);

// A quick test: false means that FindShellSkills would find nothing. Works on
// a JSON string that is not unescaped yet.
[[nodiscard]] bool MayTouchSkill(std::string_view line);

// Name of the folder of ".../<name>/SKILL.md"; nullopt for another path.
[[nodiscard]] std::optional<std::string_view> SkillOfFile(std::string_view path);

}  // namespace selftune::hosts
