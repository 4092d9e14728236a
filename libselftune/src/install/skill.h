// The skill that tells an agent how to operate selftune: the files of skill/.
#pragma once

#include <span>
#include <string_view>

namespace selftune::install {

struct SkillFile {
  std::string_view
      path;  // in the folder of the skill: "workflows/run.md"; forms/ has other forms of agents/
  std::string_view text;
};

// SKILL.md is the first.
[[nodiscard]] std::span<const SkillFile> SkillFiles();

}  // namespace selftune::install
