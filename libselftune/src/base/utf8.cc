#include "base/utf8.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

namespace selftune::base {
namespace {

constexpr uint32_t kReplacement = 0xfffd;
constexpr uint32_t kSigma = 0x3a3, kSmallSigma = 0x3c3, kFinalSigma = 0x3c2;
constexpr uint32_t kCapitalIWithDot = 0x130, kCombiningDotAbove = 0x307;

struct Decoded {
  uint32_t code_point = kReplacement;
  size_t size = 1;  // bytes; of the ill-formed piece when not valid
  bool valid = false;
};

// The sequence at `pos`. An ill-formed one is cut the way the Unicode standard
// recommends (maximal subpart), so that all functions here count alike.
Decoded Decode(std::string_view text, size_t pos) {
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
size_t AsciiRun(std::string_view text, size_t pos) {
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
size_t ValidUntil(std::string_view text, size_t pos) {
  while (pos < text.size()) {
    pos += AsciiRun(text, pos);
    if (pos == text.size()) break;
    const Decoded c = Decode(text, pos);
    if (!c.valid) break;
    pos += c.size;
  }
  return pos;
}

void AppendNfc(std::string& out, std::string_view valid) {
  utf8proc_uint8_t* composed = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(valid.data()),
                   static_cast<utf8proc_ssize_t>(valid.size()), &composed,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owner(composed, std::free);
  if (size < 0) {  // out of memory, or a run too long for the library: as it is
    out.append(valid);
  } else {
    out.append(reinterpret_cast<const char*>(composed), static_cast<size_t>(size));
  }
}

bool IsCased(uint32_t c) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
      return true;
    default:
      // Letters with case among numbers and symbols: a, o ordinals, Roman
      // numerals, circled and squared letters.
      return c == 0xaa || c == 0xba || (c >= 0x2160 && c <= 0x217f) ||
             (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f149) ||
             (c >= 0x1f150 && c <= 0x1f169) || (c >= 0x1f170 && c <= 0x1f189);
  }
}

bool IsCaseIgnorable(uint32_t c) {
  static constexpr uint32_t kPunctuation[] = {0x27,   0x2e,   0x3a,   0xb7,   0x387,  0x55f,
                                              0x5f4,  0x2018, 0x2019, 0x2024, 0x2027, 0xfe13,
                                              0xfe52, 0xfe55, 0xff07, 0xff0e, 0xff1a};
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      return std::find(std::begin(kPunctuation), std::end(kPunctuation), c) !=
             std::end(kPunctuation);
  }
}

// True if the first character at or after `pos` that is not case-ignorable has
// case: then a sigma before `pos` is not the last letter of its word.
bool CasedFollows(std::string_view text, size_t pos) {
  while (pos < text.size()) {
    const Decoded c = Decode(text, pos);
    if (!c.valid) return false;
    if (!IsCaseIgnorable(c.code_point)) return IsCased(c.code_point);
    pos += c.size;
  }
  return false;
}

// C0, DEL, C1, line and paragraph separators, and the bidirectional controls,
// which reorder the text after them.
bool IsTerminalControl(uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || c == 0x200e || c == 0x200f ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

bool IsValidUtf8(std::string_view text) { return ValidUntil(text, 0) == text.size(); }

std::string ToValidUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  size_t pos = 0;
  while (pos < text.size()) {
    const size_t end = ValidUntil(text, pos);
    out.append(text.substr(pos, end - pos));
    if (end == text.size()) break;
    AppendUtf8(out, kReplacement);
    pos = end + Decode(text, end).size;
  }
  return out;
}

uint32_t NextCodePoint(std::string_view text, size_t& pos) {
  const Decoded c = Decode(text, pos);
  pos += c.size;
  return c.code_point;
}

void AppendUtf8(std::string& out, uint32_t c) {
  if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) c = kReplacement;
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xc0 | c >> 6));
    out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xe0 | c >> 12));
    out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
  } else {
    out.push_back(static_cast<char>(0xf0 | c >> 18));
    out.push_back(static_cast<char>(0x80 | (c >> 12 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
  }
}

size_t CountCodePoints(std::string_view text) {
  size_t count = 0;
  for (size_t pos = 0; pos < text.size();) {
    const size_t ascii = AsciiRun(text, pos);
    count += ascii;
    pos += ascii;
    if (pos == text.size()) break;
    pos += Decode(text, pos).size;
    ++count;
  }
  return count;
}

std::string_view FirstCodePoints(std::string_view text, size_t n) {
  size_t pos = 0;
  for (; n > 0 && pos < text.size(); --n) pos += Decode(text, pos).size;
  return text.substr(0, pos);
}

std::string Nfc(std::string_view text) {
  if (AsciiRun(text, 0) == text.size()) return std::string(text);
  std::string out;
  out.reserve(text.size());
  size_t pos = 0;
  while (pos < text.size()) {
    const size_t end = ValidUntil(text, pos);
    if (end > pos) AppendNfc(out, text.substr(pos, end - pos));
    if (end == text.size()) break;
    const size_t bad = Decode(text, end).size;
    out.append(text.substr(end, bad));
    pos = end + bad;
  }
  return out;
}

std::string UnicodeLower(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool after_cased = false;  // looking back over case-ignorable characters
  for (size_t pos = 0; pos < text.size();) {
    const Decoded c = Decode(text, pos);
    const std::string_view bytes = text.substr(pos, c.size);
    pos += c.size;
    if (!c.valid) {
      out.append(bytes);
      after_cased = false;
      continue;
    }
    if (c.code_point < 0x80) {
      const char ch = bytes[0];
      out.push_back(ch >= 'A' && ch <= 'Z' ? static_cast<char>(ch - 'A' + 'a') : ch);
    } else if (c.code_point == kSigma) {
      AppendUtf8(out, after_cased && !CasedFollows(text, pos) ? kFinalSigma : kSmallSigma);
    } else if (c.code_point == kCapitalIWithDot) {
      out.push_back('i');
      AppendUtf8(out, kCombiningDotAbove);
    } else {
      AppendUtf8(out, static_cast<uint32_t>(
                          utf8proc_tolower(static_cast<utf8proc_int32_t>(c.code_point))));
    }
    if (!IsCaseIgnorable(c.code_point)) after_cased = IsCased(c.code_point);
  }
  return out;
}

bool IsUnicodeSpace(uint32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13);
  return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
         c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

std::string EscapeControls(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(text.size());
  for (size_t pos = 0; pos < text.size();) {
    const Decoded c = Decode(text, pos);
    const std::string_view bytes = text.substr(pos, c.size);
    pos += c.size;
    if (c.valid && !IsTerminalControl(c.code_point)) {
      out.append(bytes);
      continue;
    }
    for (const char ch : bytes) {
      const auto byte = static_cast<unsigned char>(ch);
      out.append("\\x");
      out.push_back(kDigits[byte >> 4]);
      out.push_back(kDigits[byte & 15]);
    }
  }
  return out;
}

}  // namespace selftune::base
