// A word-level difference for people.
#pragma once

#include <string>
#include <string_view>

namespace selftune::capi {

// Words that went in [-...-], words that came in {+...+}; unchanged ones as they
// are. White space is not compared.
[[nodiscard]] std::string WordDiff(std::string_view before, std::string_view after);

// One hunk of a unified diff, with heads: from the first line that differs to the
// last. "" when the texts are the same.
[[nodiscard]] std::string UnifiedDiff(std::string_view before, std::string_view after);

}  // namespace selftune::capi
