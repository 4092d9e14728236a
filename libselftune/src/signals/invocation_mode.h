// Does a prompt name a skill? Decides between the modes `implicit` (the model
// loaded a skill that the prompt names) and `inferred` (it does not).
#pragma once

#include <string_view>

namespace selftune::signals {

// True if the name stands in the prompt as a whole word, case ignored: as
// written, with '-', '_', blanks or nothing between its parts, or, for
// "plugin:skill", by its last part. Neither a longer word ("pre-commit") nor a
// file's extension ("report.pdf") names a skill. Linear in the prompt.
[[nodiscard]] bool PromptNamesSkill(std::string_view prompt, std::string_view skill);

}  // namespace selftune::signals
