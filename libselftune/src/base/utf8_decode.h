// Private to the files of utf8.h: one sequence, and runs of ASCII.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace selftune::base::internal {

inline constexpr uint32_t kReplacement = 0xfffd;

struct Decoded {
  uint32_t code_point = kReplacement;
  size_t size = 1;  // bytes; of the ill-formed piece when not valid
  bool valid = false;
};

// The sequence at `pos`. An ill-formed one is cut the way the Unicode standard
// recommends (maximal subpart), so that all functions here count alike.
inline Decoded Decode(std::string_view text, size_t pos) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[pos + i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  size_t length = 0;
  unsigned char low = 0x80, high = 0xbf;  // range of the second byte
  uint32_t code_point = 0;
  if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2;
    code_point = lead & 0x1fU;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3;
    code_point = lead & 0x0fU;
    if (lead == 0xe0) low = 0xa0;   // overlong
    if (lead == 0xed) high = 0x9f;  // surrogates
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4;
    code_point = lead & 0x07U;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
  } else {
    return {};
  }
  for (size_t i = 1; i < length; ++i) {
    if (pos + i >= text.size() || byte(i) < low || byte(i) > high) return {kReplacement, i, false};
    code_point = code_point << 6 | (byte(i) & 0x3fU);
    low = 0x80;
    high = 0xbf;
  }
  return {code_point, length, true};
}

// Length of the ASCII text at `pos`, eight bytes at a time.
inline size_t AsciiRun(std::string_view text, size_t pos) {
  size_t i = pos;
  while (i + 8 <= text.size()) {
    uint64_t block;
    std::memcpy(&block, text.data() + i, sizeof block);
    if ((block & 0x8080808080808080U) != 0) break;
    i += 8;
  }
  while (i < text.size() && static_cast<unsigned char>(text[i]) < 0x80) ++i;
  return i - pos;
}

// Position of the first ill-formed byte at or after `pos`, or the end.
inline size_t ValidUntil(std::string_view text, size_t pos) {
  while (pos < text.size()) {
    pos += AsciiRun(text, pos);
    if (pos == text.size()) break;
    const Decoded c = Decode(text, pos);
    if (!c.valid) break;
    pos += c.size;
  }
  return pos;
}

}  // namespace selftune::base::internal
