// Classes of bytes as a table: a prompt is read byte by byte on the way of a
// hook, where a call per byte would show.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace selftune::signals {

inline constexpr uint8_t kSpaceByte = 1;
inline constexpr uint8_t kAlnumByte = 2;
inline constexpr uint8_t kWordByte = 4;    // letters, digits, '_', non-ASCII
inline constexpr uint8_t kTokenByte = 8;   // word bytes and what may stand inside a word
inline constexpr uint8_t kPlainByte = 16;  // copied without a look when text is cleaned

constexpr std::array<uint8_t, 256> MakeByteClasses() {
  std::array<uint8_t, 256> out{};
  for (size_t i = 0; i < 256; ++i) {
    const bool alnum = (i >= '0' && i <= '9') || (i >= 'a' && i <= 'z') || (i >= 'A' && i <= 'Z');
    const bool word = alnum || i == '_' || i >= 0x80;
    const bool joint = i == '-' || i == '.' || i == ':' || i == '/' || i == '$' || i == '\'' ||
                       i == '@' || i == '#' || i == '&';
    uint8_t bits = 0;
    if (i == ' ' || (i >= '\t' && i <= '\r')) bits |= kSpaceByte;
    if (alnum) bits |= kAlnumByte;
    if (word) bits |= kWordByte;
    if (word || joint) bits |= kTokenByte;
    if (i < 0x80 && i != '`' && i != '\n') bits |= kPlainByte;
    out[i] = bits;
  }
  return out;
}

inline constexpr std::array<uint8_t, 256> kByteClasses = MakeByteClasses();

[[nodiscard]] inline bool IsByte(char c, uint8_t any_of) {
  return (kByteClasses[static_cast<unsigned char>(c)] & any_of) != 0;
}

[[nodiscard]] inline char LowerByte(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace selftune::signals
