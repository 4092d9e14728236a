#include "hosts/common/raw_text.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/utf8.h"

namespace selftune::hosts {
namespace {

// Value of four hex digits at `pos`, or -1.
int32_t HexUnit(std::string_view text, size_t pos) {
  if (pos + 4 > text.size()) return -1;
  int32_t value = 0;
  for (const char c : text.substr(pos, 4)) {
    int32_t digit = -1;
    if (c >= '0' && c <= '9') digit = c - '0';
    if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
    if (c >= 'A' && c <= 'F') digit = c - 'A' + 10;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

// Appends the character of the "\u" escape whose digits begin at `pos`;
// returns the position behind it. Lone surrogates become U+FFFD.
size_t AppendUnicodeEscape(std::string_view text, size_t pos, std::string& out) {
  const int32_t first = HexUnit(text, pos);
  if (first < 0) {
    base::AppendUtf8(out, 0xFFFD);
    return pos;
  }
  pos += 4;
  if (first < 0xD800 || first > 0xDFFF) {
    base::AppendUtf8(out, static_cast<uint32_t>(first));
    return pos;
  }
  const int32_t second = text.substr(pos, 2) == "\\u" ? HexUnit(text, pos + 2) : -1;
  if (first > 0xDBFF || second < 0xDC00 || second > 0xDFFF) {
    base::AppendUtf8(out, 0xFFFD);
    return pos;
  }
  base::AppendUtf8(out, 0x10000u + ((static_cast<uint32_t>(first) - 0xD800u) << 10) +
                            (static_cast<uint32_t>(second) - 0xDC00u));
  return pos + 6;
}

char SimpleEscape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    default:
      return c;  // quote, backslash, slash
  }
}

// Takes off what was cut in the middle of a character.
void DropPartialCharacter(std::string& text) {
  size_t start = text.size();
  while (start > 0 && (static_cast<unsigned char>(text[start - 1]) & 0xC0) == 0x80) --start;
  if (start == 0) return;
  const auto lead = static_cast<unsigned char>(text[start - 1]);
  const size_t have = text.size() - start + 1;
  const size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  if (have < need) text.resize(start - 1);
}

}  // namespace

RawText::RawText(std::string_view token) {
  while (!token.empty() && static_cast<unsigned char>(token.back()) <= ' ') token.remove_suffix(1);
  if (token.size() < 2 || token.front() != '"' || token.back() != '"') return;
  text_ = token.substr(1, token.size() - 2);
}

bool RawText::Is(std::string_view plain) const {
  if (!present()) return false;
  if (text_ == plain) return true;
  return text_.find('\\') != std::string_view::npos && ToString() == plain;
}

bool RawText::StartsWith(std::string_view plain) const {
  if (text_.substr(0, plain.size()).find('\\') == std::string_view::npos &&
      plain.find('\\') == std::string_view::npos) {
    return text_.starts_with(plain);
  }
  return Prefix(plain.size()) == plain;
}

std::string RawText::Prefix(size_t max_bytes) const {
  std::string out;
  size_t pos = 0;
  while (pos < text_.size() && out.size() < max_bytes) {
    const size_t escape = text_.find('\\', pos);
    const size_t plain = (escape == std::string_view::npos ? text_.size() : escape) - pos;
    const size_t room = max_bytes - out.size();
    out.append(text_.substr(pos, plain < room ? plain : room));
    if (plain > room || escape == std::string_view::npos || out.size() >= max_bytes) break;
    if (escape + 1 >= text_.size()) break;
    const char c = text_[escape + 1];
    pos = escape + 2;
    if (c == 'u') {
      pos = AppendUnicodeEscape(text_, pos, out);
    } else {
      out += SimpleEscape(c);
    }
  }
  if (out.size() > max_bytes) out.resize(max_bytes);
  if (max_bytes != std::string_view::npos) DropPartialCharacter(out);
  return out;
}

uint64_t RecordKey(std::string_view identity) {
  uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a, then the finisher of splitmix64
  for (const char c : identity) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  }
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
  return hash ^ (hash >> 31);
}

}  // namespace selftune::hosts
