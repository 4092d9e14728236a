// Texts for a terminal: UTF-8, widths, escapes, ages and numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace selftune::cli {

// Code point at `at`, which moves past it; U+FFFD for an invalid byte.
[[nodiscard]] uint32_t NextCodePoint(std::string_view text, size_t& at);
void AppendUtf8(std::string& out, uint32_t code_point);

// Columns of a terminal the text takes (wide characters two, marks none).
[[nodiscard]] size_t Width(std::string_view text);

// Text of foreign origin made harmless: control characters, escapes and
// characters that reorder a line become visible codes such as \x1b. The first
// form also makes one line of it: white space runs become one blank.
[[nodiscard]] std::string OneLine(std::string_view foreign);
[[nodiscard]] std::string Typed(std::string_view word);  // OneLine, shortened: what was typed
[[nodiscard]] std::string ManyLines(std::string_view foreign);

// The first `columns` columns; an "…" at the end marks what was cut.
[[nodiscard]] std::string Shorten(std::string_view text, size_t columns);
// Padded with blanks to `columns`; longer text stays.
[[nodiscard]] std::string PadRight(std::string_view text, size_t columns);
[[nodiscard]] std::string PadLeft(std::string_view text, size_t columns);
// Lines of at most `columns`, broken at blanks.
[[nodiscard]] std::vector<std::string> Wrap(std::string_view text, size_t columns);

// "12 345", "1.4 MB", "93 %", "1 skill" / "2 skills".
[[nodiscard]] std::string Count(int64_t value);
[[nodiscard]] std::string Bytes(int64_t bytes);
[[nodiscard]] std::string Percent(double rate);
[[nodiscard]] std::string Plural(int64_t n, std::string_view one, std::string_view many = {});
// Now, as replies write times: "2026-11-22T09:54:01.250Z".
[[nodiscard]] std::string UtcNow();
// Milliseconds as "340 ms", "12 s", "3 min", "2.1 h".
[[nodiscard]] std::string Duration(int64_t ms);

// Milliseconds since 1970 of "2026-01-02T03:04:05.678Z".
[[nodiscard]] std::optional<int64_t> ParseTime(std::string_view rfc3339);
// How long before `now` that was: "just now", "5 min ago", "3 d ago".
[[nodiscard]] std::string Ago(std::string_view rfc3339, std::string_view now);

// Edit distance of short names.
[[nodiscard]] size_t Distance(std::string_view a, std::string_view b);
// The candidate that `name` was probably meant to be; "" if none is near.
[[nodiscard]] std::string_view Nearest(std::string_view name,
                                       const std::vector<std::string_view>& candidates);

// Words as a shell line.
[[nodiscard]] std::string ShellLine(const std::vector<std::string>& words);

}  // namespace selftune::cli
