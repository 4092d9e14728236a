// What of utf8.h needs no table of characters: the hook program links this file
// and not utf8.cc.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "base/utf8_decode.h"

namespace selftune::base {
namespace {

using internal::AsciiRun;
using internal::Decode;
using internal::Decoded;
using internal::kReplacement;
using internal::ValidUntil;

// C0, DEL, C1, line and paragraph separators, and the bidirectional controls,
// which reorder the text after them.
bool IsTerminalControl(uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || c == 0x200e || c == 0x200f ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

// White space, zero-width and other format characters, fillers.
bool IsInvisible(uint32_t c) {
  return c <= 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0xad || c == 0x34f || c == 0x61c ||
         (c >= 0x115f && c <= 0x1160) || c == 0x1680 || (c >= 0x17b4 && c <= 0x17b5) ||
         (c >= 0x180b && c <= 0x180f) || (c >= 0x2000 && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202f) || (c >= 0x205f && c <= 0x206f) || c == 0x2800 ||
         c == 0x3000 || c == 0x3164 || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff || c == 0xffa0 ||
         (c >= 0xe0000 && c <= 0xe0fff);
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

std::string ToShownText(std::string_view bytes) {
  using namespace std::string_view_literals;
  const bool path =
      bytes.starts_with('/') && bytes.find_first_of("\n\0"sv) == std::string_view::npos;
  if (!path || IsValidUtf8(bytes)) return ToValidUtf8(bytes);
  static constexpr std::string_view kPlain = "-._~!$&'()*+,;=:@/";  // RFC 3986, in a path
  std::string out = "file://";
  for (const char c : bytes) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || kPlain.find(c) != std::string_view::npos) {
      out.push_back(c);
      continue;
    }
    static constexpr char kDigits[] = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
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

bool IsBlank(std::string_view text) {
  for (size_t pos = 0; pos < text.size();) {
    if (!IsInvisible(NextCodePoint(text, pos))) return false;
  }
  return true;
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
