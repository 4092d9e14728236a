// What is wrong with a skill's description or file, by stable codes. Pure: the
// same rules judge a person's skill (doctor, verify) and a proposal (evolve).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "skillfs/frontmatter.h"

namespace selftune::skillfs {

inline constexpr size_t kMaxDescriptionChars = 1024;  // Agent Skills specification
inline constexpr size_t kMaxNameChars = 64;
inline constexpr size_t kMaxCompatibilityChars = 500;
inline constexpr size_t kMaxBodyLines = 500;

enum class LintLevel { kError, kWarn };
[[nodiscard]] std::string_view Name(LintLevel level);  // "error", "warn"

// Codes. Errors of a description: empty_description, description_too_long.
// Warnings: no_when_clause, description_short, description_long, xml_tags,
// first_person, vague, stuffing, all_caps, overlaps_other_skill,
// single_line_limit. Errors of a file besides: yaml_error, missing_name,
// invalid_name, name_differs_from_folder, unknown_key, invalid_compatibility;
// warnings: unquoted_colon_space, host_specific_key, metadata_not_text,
// body_too_long.
struct LintFinding {
  std::string_view code;
  LintLevel level = LintLevel::kWarn;
  std::string message;  // for people
};

struct NamedDescription {
  std::string_view name;
  std::string_view description;
};

struct LintContext {
  std::string_view directory_name;           // "" = not known, not compared
  std::span<const NamedDescription> others;  // the other installed skills
  size_t single_line_limit = 0;              // code points of the host, 0 = none
};

// Findings in the order of the list above. Word rules are for English and are
// left out where most letters are of another script.
[[nodiscard]] std::vector<LintFinding> LintDescription(std::string_view description,
                                                       const LintContext& context);

// A whole SKILL.md, its description included.
[[nodiscard]] std::vector<LintFinding> LintSkill(std::string_view bytes,
                                                 const LintContext& context);

// 1-64 characters: lower-case letters, digits and single hyphens between them.
[[nodiscard]] bool IsValidSkillName(std::string_view name);
// What hosts may call a skill: of each part ("plugin:skill") 1-64 letters, digits, - _ and
// dots. Wider than the specification, so that every name it allows is one.
[[nodiscard]] bool IsPossibleSkillName(std::string_view name);

[[nodiscard]] bool HasErrors(std::span<const LintFinding> findings);

}  // namespace selftune::skillfs
