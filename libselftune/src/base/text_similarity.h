// Similarity of short texts, as used to find near duplicates.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace selftune::base {

// Lower-cased runs of [a-z0-9_] and of non-ASCII letters, in text order.
[[nodiscard]] std::vector<std::string> WordTokens(std::string_view text);
// |A & B| / |A | B| over distinct tokens; 0 when both are empty.
[[nodiscard]] double TokenJaccard(const std::vector<std::string>& a,
                                  const std::vector<std::string>& b);
// Code-point edit distance divided by the longer length; 0 for two empty texts.
[[nodiscard]] double NormalizedLevenshtein(std::string_view a, std::string_view b);

}  // namespace selftune::base
