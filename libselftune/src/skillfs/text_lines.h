// Lines of a byte text, with the exact place of every line end.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace selftune::skillfs {

// One line: the text is [begin, end), its line end [end, next). A CR directly
// before LF belongs to the line end; a lone CR is content. The last line of a
// text may have no line end (end == next).
struct TextLine {
  size_t begin = 0;
  size_t end = 0;
  size_t next = 0;

  [[nodiscard]] std::string_view Text(std::string_view bytes) const {
    return bytes.substr(begin, end - begin);
  }
  [[nodiscard]] std::string_view LineEnd(std::string_view bytes) const {
    return bytes.substr(end, next - end);
  }
};

// The line that begins at `begin` < bytes.size().
[[nodiscard]] TextLine LineAt(std::string_view bytes, size_t begin);

// The YAML blanks: space and TAB.
[[nodiscard]] inline bool IsBlank(char c) { return c == ' ' || c == '\t'; }
// Nothing but blanks.
[[nodiscard]] bool IsBlankText(std::string_view text);
// Position of the first non-blank at or after `pos`, at most `end`.
[[nodiscard]] size_t SkipBlanks(std::string_view bytes, size_t pos, size_t end);
// Number of leading spaces; a TAB ends the count.
[[nodiscard]] size_t LeadingSpaces(std::string_view text);

// Without leading and trailing Unicode white space. Points into `text`.
[[nodiscard]] std::string_view TrimUnicode(std::string_view text);

}  // namespace selftune::skillfs
