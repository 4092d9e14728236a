// Counting and finding in descriptions, shared by the constitution and the
// quality score.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace selftune::evolution {

// Position of `phrase` in `text` from `from` as whole words, ASCII case
// ignored and any white space between its words; npos if it is not there.
[[nodiscard]] size_t FindPhrase(std::string_view text, std::string_view phrase, size_t from = 0);
[[nodiscard]] bool HasPhrase(std::string_view text, std::string_view phrase);

// Sentences: cut after '.', '!' or '?' before white space and a capital,
// digit or opening quote. Views into `text`.
[[nodiscard]] std::vector<std::string_view> Sentences(std::string_view text);

// Lower-cased words without stop words, in text order.
[[nodiscard]] std::vector<std::string> ContentWords(std::string_view text);

// Items of the longest list: behind commas, semicolons, slashes, bars, "and" or "or"
// in a sentence, words that nothing joins, or one a line.
[[nodiscard]] size_t LongestList(std::string_view text);

}  // namespace selftune::evolution
