// Which YAML style can hold a text, and the text in that style.
#pragma once

#include <string>
#include <string_view>

namespace selftune::skillfs {

// Has a character that only a double-quoted scalar can hold: C0 except LF and
// TAB, DEL, C1, line and paragraph separator, byte order mark, noncharacters.
[[nodiscard]] bool NeedsEscapes(std::string_view text);

// A single-line text that every YAML reader takes for the same string when it
// stands without quotes after a key.
[[nodiscard]] bool IsPlainSafe(std::string_view text);

[[nodiscard]] std::string DoubleQuoted(std::string_view text);
[[nodiscard]] std::string SingleQuoted(std::string_view text);

// Plain if that is safe, else double quoted.
[[nodiscard]] std::string PlainOrDouble(std::string_view text);

}  // namespace selftune::skillfs
