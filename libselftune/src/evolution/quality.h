// How good a description looks, without asking anybody: a deterministic score
// that orders proposals and explains itself by its parts.
#pragma once

#include <string_view>

namespace selftune::evolution {

// Each part from 0 to 1.
struct DescriptionQuality {
  double length = 0;           // neither too short nor too long
  double trigger_context = 0;  // says when to use the skill
  double vagueness = 0;        // 1 = no vague words
  double specificity = 0;      // says what is done, without filler
  double not_just_name = 0;    // more than the name again
  double composite = 0;        // weighted, three decimals
};

// `skill` may be empty: unknown.
[[nodiscard]] DescriptionQuality ScoreDescription(std::string_view description,
                                                  std::string_view skill);

}  // namespace selftune::evolution
