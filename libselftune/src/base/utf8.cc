#include "base/utf8.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

#include "base/utf8_decode.h"

namespace selftune::base {
namespace {

using internal::AsciiRun;
using internal::Decode;
using internal::Decoded;
using internal::ValidUntil;

constexpr uint32_t kSigma = 0x3a3, kSmallSigma = 0x3c3, kFinalSigma = 0x3c2;
constexpr uint32_t kCapitalIWithDot = 0x130, kCombiningDotAbove = 0x307;

void AppendMapped(std::string& out, std::string_view valid, int options) {
  utf8proc_uint8_t* composed = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(valid.data()),
                   static_cast<utf8proc_ssize_t>(valid.size()), &composed,
                   static_cast<utf8proc_option_t>(options));
  const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owner(composed, std::free);
  if (size < 0) {  // out of memory, or a run too long for the library: as it is
    out.append(valid);
  } else {
    out.append(reinterpret_cast<const char*>(composed), static_cast<size_t>(size));
  }
}

void AppendNfc(std::string& out, std::string_view valid) {
  AppendMapped(out, valid, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
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

}  // namespace

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

std::string PlainForm(std::string_view text) {
  std::string mapped;
  AppendMapped(mapped, ToValidUtf8(text),
               UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_IGNORE);
  std::string out;
  size_t pos = 0;
  while (pos < mapped.size()) {
    const size_t at = pos;
    const uint32_t c = NextCodePoint(mapped, pos);
    if (c != '\n' && IsUnicodeSpace(c)) {
      out += ' ';
    } else if (utf8proc_category(static_cast<utf8proc_int32_t>(c)) != UTF8PROC_CATEGORY_CF) {
      out.append(mapped, at, pos - at);
    }
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

}  // namespace selftune::base
