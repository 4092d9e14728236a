// Word rules of the description lint, for English text.
#pragma once

#include <cstddef>
#include <string_view>

namespace selftune::skillfs {

// At least half of the letters are ASCII: the word rules can say something.
[[nodiscard]] bool IsMostlyAscii(std::string_view text);

// Says when the skill applies: "when", "whenever", "if", "before", "use for"...
[[nodiscard]] bool HasWhenClause(std::string_view text);

// "I", "we", "my", "our" outside quotation marks, where a user is quoted.
[[nodiscard]] bool HasFirstPerson(std::string_view text);

// A filler such as "helps with" and fewer than four words with a meaning.
[[nodiscard]] bool IsVague(std::string_view text);

[[nodiscard]] bool HasXmlTag(std::string_view text);

// Items of the longest comma-separated list of short items within a sentence.
[[nodiscard]] size_t LongestList(std::string_view text);

// Most letters are capitals, or four capital words in a row.
[[nodiscard]] bool IsShouting(std::string_view text);

// Shared part of the distinct words of two descriptions, 0..1.
[[nodiscard]] double DescriptionOverlap(std::string_view a, std::string_view b);

}  // namespace selftune::skillfs
