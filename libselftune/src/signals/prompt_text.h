// Cuts a prompt into the words its author addressed to the agent: without
// code, quoted lines and reported speech.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "signals/skill_names.h"
#include "signals/words.h"

namespace selftune::signals {

// What separates a word from the one before it; ordered by strength.
enum class Break : uint8_t {
  kNone,      // white space, emphasis, quotes
  kLine,      // a line end or an ellipsis: a clause may begin here
  kClause,    // comma, colon, bracket, dash
  kSentence,  // full stop, question mark, blank line, list item
};

struct Token {
  std::string_view text;  // into Prompt::text; empty where something was cut out
  Roles roles = 0;
  Break before = Break::kNone;
  bool is_call = false;         // "commit(" is code, not a skill
  uint32_t sentence_begin = 0;  // index of the first token of its sentence
  bool in_question = false;     // its sentence ends with a question mark

  [[nodiscard]] bool Is(Roles any_of) const { return (roles & any_of) != 0; }
};

struct Prompt {
  std::string text;  // the tokens point into it: movable only by pointer
  std::vector<Token> tokens;
};

// Fills `prompt`. `names` decides which quoted phrases are skills and stay.
void ReadPrompt(std::string_view raw, const SkillNames& names, Prompt& prompt);

}  // namespace selftune::signals
