// Marks of real-world detail in a query: addresses, files, times, names,
// numbers. Each function is linear in the query.
#pragma once

#include <span>
#include <string_view>

namespace selftune::eval {

// [A-Za-z0-9_]
[[nodiscard]] bool IsWordChar(char c);

// Is `word` one of these? ASCII case ignored.
[[nodiscard]] bool IsOneOf(std::string_view word, std::span<const std::string_view> words);

// Is `word` an extension of files people work with ("xlsx")? Case ignored.
[[nodiscard]] bool IsKnownExtension(std::string_view word);

// An e-mail address or a web link.
[[nodiscard]] bool HasAddress(std::string_view query);
// "report.xlsx", but not the name of a library ("node.js").
[[nodiscard]] bool HasFileName(std::string_view query);
// Two or more folders and a last part ("src/app/main").
[[nodiscard]] bool HasPath(std::string_view query);
// Days, weeks, quarters, months, dates, clock times.
[[nodiscard]] bool HasTime(std::string_view query);
// A capitalised word that does not merely begin a sentence.
[[nodiscard]] bool HasProperNoun(std::string_view query);
// A number of two or more digits.
[[nodiscard]] bool HasLongNumber(std::string_view query);
// An all-capitals word that is no everyday abbreviation.
[[nodiscard]] bool HasAcronym(std::string_view query);

}  // namespace selftune::eval
