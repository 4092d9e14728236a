// What the host makes of a typed "/skill args".
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace selftune::hosts::qwen {

struct SkillPrompt {
  std::string name, args;
  std::string path;       // of SKILL.md
  std::string_view body;  // of the skill; a view into the text
};

// `text` begins with "Base directory for this skill: ", else nullopt. `typed`:
// the command as a record before it has it, "" = none.
[[nodiscard]] std::optional<SkillPrompt> ReadSkillPrompt(std::string_view text,
                                                         std::string_view typed);

// Begin of the text of a loaded skill: its SKILL.md, "" if it is none.
[[nodiscard]] std::string SkillPathOf(std::string_view text);
// The skill's own text behind that begin.
[[nodiscard]] std::string_view SkillBodyOf(std::string_view text);

}  // namespace selftune::hosts::qwen
