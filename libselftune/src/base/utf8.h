// UTF-8 and Unicode text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace selftune::base {

[[nodiscard]] bool IsValidUtf8(std::string_view text);
// Invalid sequences become U+FFFD.
[[nodiscard]] std::string ToValidUtf8(std::string_view text);
// Any bytes for people and programs. An absolute path that is not UTF-8 becomes
// its URI, "file:///home/j%F6rg": nothing of it is lost, and no path looks like
// that. Of other texts invalid sequences become U+FFFD.
[[nodiscard]] std::string ToShownText(std::string_view bytes);
// Code point at `pos` (advanced past it); U+FFFD for an invalid byte.
[[nodiscard]] uint32_t NextCodePoint(std::string_view text, size_t& pos);
void AppendUtf8(std::string& out, uint32_t code_point);
[[nodiscard]] size_t CountCodePoints(std::string_view text);
// At most `n` code points; never cuts inside one. Points into `text`.
[[nodiscard]] std::string_view FirstCodePoints(std::string_view text, size_t n);
[[nodiscard]] std::string Nfc(std::string_view text);
// What a reader takes the text for: compatibility forms (fullwidth letters,
// ligatures) as plain ones (NFKC), nothing invisible, and every white space but
// the line feed as a blank.
[[nodiscard]] std::string PlainForm(std::string_view text);
// Full Unicode lower case (not case folding); invalid bytes pass through.
[[nodiscard]] std::string UnicodeLower(std::string_view text);
// Nothing of it can be seen: white space and invisible characters only.
[[nodiscard]] bool IsBlank(std::string_view text);
// White_Space property.
[[nodiscard]] bool IsUnicodeSpace(uint32_t code_point);
// Printable for a terminal: control characters and escapes become "\xNN".
[[nodiscard]] std::string EscapeControls(std::string_view text);

}  // namespace selftune::base
