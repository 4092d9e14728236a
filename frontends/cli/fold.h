// Lines that are wider than the terminal, broken where a person would.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace selftune::cli {

// Each line of `text` in at most `columns`, broken at blanks. What follows stands below
// the text of its column, if that leaves half of the width, else a little to the right of
// where the line began. Colours take no room. A word that is wider stays whole, and so
// does a command line, which is there to be copied.
[[nodiscard]] std::string Fold(std::string_view text, size_t columns);

// Columns that a line takes with its colours.
[[nodiscard]] size_t VisibleWidth(std::string_view line);

}  // namespace selftune::cli
