// Which user records are prompts: the rules of docs/hosts on what a person
// typed, what the host wrapped around it, and what nobody typed.
#pragma once

#include <string>
#include <string_view>

#include "hosts/claude_code/record.h"

namespace selftune::hosts::claude_code {

enum class UserKind {
  kPrompt,        // typed, goes to the model as it is
  kSlash,         // "/name args" that the host expanded for the model
  kForkedSlash,   // "/name args" that the host runs in an agent of its own
  kInterruption,  // the marker of a turn that was cut short
  kOther,         // nobody typed it for the model
};

struct UserText {
  UserKind kind = UserKind::kOther;
  std::string text;        // as typed: wrappers taken off
  std::string name, args;  // of a command
};

// For a user record without tool results that is neither meta nor a summary.
// `raw` is its text; `after_caveat`: the user record before it was the note
// that a local command follows.
[[nodiscard]] UserText ClassifyUserText(const Record& record, std::string_view raw,
                                        bool after_caveat);

// The text of a meta record that announces a local command.
[[nodiscard]] bool IsCaveat(const Record& record);

// The text of a loaded skill begins so; the skill's folder follows.
inline constexpr std::string_view kSkillBodyHead = "Base directory for this skill: ";

// First text of an agent that the host starts for itself.
inline constexpr std::string_view kWarmup = "Warmup";

// First text of a session that selftune made itself begins so.
inline constexpr std::string_view kInternalMark = "[selftune:internal";

}  // namespace selftune::hosts::claude_code
