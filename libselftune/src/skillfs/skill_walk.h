// The SKILL.md files below one root.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "skillfs/skill_root.h"

namespace selftune::skillfs {

struct FoundSkillFile {
  std::string path;     // of SKILL.md
  bool single = false;  // of another `.md` file: a skill only if it has a description
  bool linked = false;  // a folder between the root and the file is, or may be, a link

  // What words and settings call it: its folder, or that file.
  [[nodiscard]] std::string Place() const {
    return single ? path : path.substr(0, path.rfind('/'));
  }
};

struct WalkProblem {
  std::string path;
  std::string code;
  std::string message;
};

struct SkillWalk {
  std::vector<FoundSkillFile> files;  // sorted by path within each folder
  std::vector<WalkProblem> problems;
  size_t effort = 0;  // folders read, and single files; twenty entries count as one more
  bool cut = false;   // stopped at WalkOptions::most
};

struct WalkOptions {
  size_t depth = 1;               // 1: <root>/<name>/SKILL.md; 0: the root alone
  bool skill_ends_search = true;  // no skills below a skill, where depth is more than 1
  bool root_too = false;          // the root itself may be a skill
  // With any folders of dependencies are passed over.
  SingleFiles single_files = SingleFiles::kNone;
  bool ignore_files = false;  // files of kind ignore_rules.h say what is passed over
  size_t most = std::numeric_limits<size_t>::max();  // effort
};

// Links are followed; one that leads back into its own path is a problem, and
// so are folders that cannot be read. An absent root has no skills.
[[nodiscard]] SkillWalk WalkSkills(const std::string& root, const WalkOptions& options);

}  // namespace selftune::skillfs
