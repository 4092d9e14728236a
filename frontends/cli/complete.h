// What a shell offers for a half-typed command line; all from the registry.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace selftune::cli {

// The hidden command that the scripts of `completions` ask.
inline constexpr std::string_view kCompleteCommand = "__complete";

// `words` stand behind the program's name, the last one is being typed and may
// be empty. Prints "value<TAB>text" lines, or ":files" or ":dirs" where names of
// files are due. Writes nothing else and never fails.
[[nodiscard]] int Complete(const std::vector<std::string>& words);

}  // namespace selftune::cli
