#include "skillfs/text_lines.h"

#include "base/utf8.h"

namespace selftune::skillfs {

TextLine LineAt(std::string_view bytes, size_t begin) {
  const size_t newline = bytes.find('\n', begin);
  if (newline == std::string_view::npos) return {begin, bytes.size(), bytes.size()};
  size_t end = newline;
  if (end > begin && bytes[end - 1] == '\r') --end;
  return {begin, end, newline + 1};
}

bool IsBlankText(std::string_view text) {
  return text.find_first_not_of(" \t") == std::string_view::npos;
}

size_t SkipBlanks(std::string_view bytes, size_t pos, size_t end) {
  while (pos < end && IsBlank(bytes[pos])) ++pos;
  return pos;
}

size_t LeadingSpaces(std::string_view text) {
  const size_t count = text.find_first_not_of(' ');
  return count == std::string_view::npos ? text.size() : count;
}

std::string_view TrimUnicode(std::string_view text) {
  size_t begin = 0;
  while (begin < text.size()) {
    size_t next = begin;
    if (!base::IsUnicodeSpace(base::NextCodePoint(text, next))) break;
    begin = next;
  }
  text.remove_prefix(begin);
  while (!text.empty()) {
    // Back to the first byte of the last code point.
    size_t start = text.size() - 1;
    while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
    size_t next = start;
    if (!base::IsUnicodeSpace(base::NextCodePoint(text, next)) || next != text.size()) break;
    text = text.substr(0, start);
  }
  return text;
}

}  // namespace selftune::skillfs
