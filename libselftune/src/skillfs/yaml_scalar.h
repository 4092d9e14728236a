// Decoding of YAML 1.2 scalars from their bytes.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "skillfs/text_lines.h"

namespace selftune::skillfs {

// A quoted scalar found in a text.
struct QuotedScalar {
  size_t end = 0;          // just past the closing quote
  size_t last_line = 0;    // index of the line that holds it
  std::string text;        // decoded
  std::string_view error;  // "" or a code; `text` is then meaningless
};

// Reads the scalar whose opening quote (" or ') is at `pos`, on
// `lines[first_line]`. It must close before the last of `lines` ends.
[[nodiscard]] QuotedScalar ReadQuoted(std::string_view bytes, std::span<const TextLine> lines,
                                      size_t first_line, size_t pos);

// Joins the trimmed lines of a plain scalar; "" stands for a blank line.
[[nodiscard]] std::string FoldPlain(const std::vector<std::string_view>& lines);

// The content of a block scalar from its lines without indentation, blank
// lines as "". Chomping is not applied: there is no final line end.
[[nodiscard]] std::string JoinLiteral(const std::vector<std::string_view>& lines);
[[nodiscard]] std::string JoinFolded(const std::vector<std::string_view>& lines);

}  // namespace selftune::skillfs
