// A description laid out as the lines of a YAML block scalar, without
// indentation.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace selftune::skillfs {

// A folded scalar cannot hold lines that start with a blank: they would keep
// their line breaks.
[[nodiscard]] bool CanFold(std::string_view text);

// One line for each line of the text.
[[nodiscard]] std::vector<std::string> LiteralLines(std::string_view text);

// Lines of at most 80 - `indent` code points, broken only at a single space
// between two characters that are no blanks; an empty line for each LF.
[[nodiscard]] std::vector<std::string> FoldLines(std::string_view text, size_t indent);

}  // namespace selftune::skillfs
