// Small ASCII string helpers. Views returned point into the argument.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace selftune::base {

// Without leading and trailing ASCII white space (blank, TAB, LF, VT, FF, CR).
[[nodiscard]] std::string_view Trim(std::string_view text);
[[nodiscard]] bool IsSpace(char c);
[[nodiscard]] char ToLower(char c);
[[nodiscard]] std::string AsciiLower(std::string_view text);
[[nodiscard]] bool EqualsIgnoreCase(std::string_view a, std::string_view b);
[[nodiscard]] bool StartsWithIgnoreCase(std::string_view text, std::string_view prefix);

// Pieces between separators; an empty text gives one empty piece.
[[nodiscard]] std::vector<std::string_view> Split(std::string_view text, char separator);
// Non-empty pieces between runs of ASCII white space.
[[nodiscard]] std::vector<std::string_view> SplitSpace(std::string_view text);
[[nodiscard]] std::string Join(const std::vector<std::string>& parts, std::string_view separator);
// Runs of ASCII white space become one blank; ends trimmed.
[[nodiscard]] std::string CollapseSpace(std::string_view text);
[[nodiscard]] std::string ReplaceAll(std::string_view text, std::string_view from,
                                     std::string_view to);

// Whole-string parse of a decimal number; nullopt on anything else.
[[nodiscard]] std::optional<int64_t> ParseInt(std::string_view text);
[[nodiscard]] std::optional<double> ParseDouble(std::string_view text);

[[nodiscard]] std::string Hex(std::string_view bytes);  // lower case
[[nodiscard]] std::optional<std::string> FromHex(std::string_view hex);
[[nodiscard]] std::string Base64(std::string_view bytes);

// argv with a flag and its value behind; one word when the value would be taken
// for a flag itself: --skill=-x.
[[nodiscard]] std::vector<std::string> WithFlag(std::vector<std::string> argv,
                                                std::string_view flag, std::string_view value);

// The line that a shell (bash, zsh) splits into `argv`, with nothing in it that
// is not seen.
[[nodiscard]] std::string JoinCommand(const std::vector<std::string>& argv);

// Edits between two names, two neighbours swapped being one; O(|a|*|b|); used for
// "did you mean".
[[nodiscard]] size_t EditDistance(std::string_view a, std::string_view b);
// How many edits away what was meant by a name may be: a short name differs from most
// short names by little.
[[nodiscard]] size_t MostEdits(std::string_view name);

}  // namespace selftune::base
