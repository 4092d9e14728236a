// Rules that no proposed description may break, checked before anything is
// paid for: deterministic, and each with an id that stays.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace selftune::evolution {

struct ConstitutionInput {
  std::string original;  // the present description
  std::string proposed;
  bool original_from_frontmatter = true;  // else it was taken from the body
  std::string skill;
  std::string body;                          // what the skill itself says, its beginning
  std::vector<std::string> other_skills;     // names of all other installed skills
  std::vector<std::string> rejected;         // descriptions ever refused for this skill
  std::vector<std::string> passing_queries;  // training queries that trigger today
};

struct Violation {
  std::string_view id;  // size.chars size.ratio chars tags broaden anchors steering identity
                        // novelty restate stuffing
  std::string message;

  friend bool operator==(const Violation&, const Violation&) = default;
};

// All violations, in the order of the ids above; empty = acceptable.
[[nodiscard]] std::vector<Violation> CheckConstitution(const ConstitutionInput& input);

// What may be right but only a person can tell: commands, names that may be
// addresses and doubtful words that neither the present description nor the skill
// itself has. Ids: command steering link.
[[nodiscard]] std::vector<Violation> ReviewReasons(const ConstitutionInput& input);

// What does not forbid a description but should be told ("size.chars": long).
[[nodiscard]] std::vector<Violation> ConstitutionWarnings(const ConstitutionInput& input);

}  // namespace selftune::evolution
