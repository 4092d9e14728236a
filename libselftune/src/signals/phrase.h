// Steps shared by the patterns of the detector: walking over words and
// recognising the name of a skill.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "signals/prompt_text.h"
#include "signals/skill_names.h"
#include "signals/words.h"

namespace selftune::signals {

struct NameMatch {
  size_t begin = 0;  // first word of the name
  size_t after = 0;  // first word after the name and the word "skill"
  std::string skill;
  bool resolved = false;
  bool skill_word = false;  // the word "skill" follows the name
};

// Read-only view of the words of one prompt. Positions beyond the end are
// allowed everywhere and have no roles.
class Phrase {
 public:
  Phrase(const Prompt& prompt, const SkillNames& names) : tokens_(prompt.tokens), names_(names) {}

  [[nodiscard]] size_t size() const { return tokens_.size(); }
  [[nodiscard]] const Token& operator[](size_t i) const { return tokens_[i]; }

  [[nodiscard]] bool Is(size_t i, Roles any_of) const {
    return i < tokens_.size() && tokens_[i].Is(any_of);
  }
  // Word `i` follows the word before it without punctuation and has a role.
  [[nodiscard]] bool Joined(size_t i, Roles any_of) const {
    return Is(i, any_of) && tokens_[i].before < Break::kClause;
  }
  // First position from `i` that is not joined by one of these roles.
  [[nodiscard]] size_t Skip(size_t i, Roles roles) const {
    while (Joined(i, roles)) ++i;
    return i;
  }
  [[nodiscard]] Break BreakBefore(size_t i) const {
    return i < tokens_.size() ? tokens_[i].before : Break::kSentence;
  }

  // "[the|my|our|your] NAME [skill]" at `i`: up to four words that name an
  // installed skill, the longest first, or one unknown word before "skill".
  [[nodiscard]] std::optional<NameMatch> Name(size_t i) const;

 private:
  [[nodiscard]] std::optional<NameMatch> Installed(size_t i) const;
  [[nodiscard]] std::optional<NameMatch> Missing(size_t i) const;
  void TakeSkillWord(size_t end, NameMatch& match) const;
  [[nodiscard]] bool Acceptable(const NameMatch& match) const;

  const std::vector<Token>& tokens_;
  const SkillNames& names_;
};

}  // namespace selftune::signals
