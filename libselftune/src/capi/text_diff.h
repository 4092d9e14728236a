// A word-level difference for people.
#pragma once

#include <string>
#include <string_view>

namespace selftune::capi {

// Words that went in [-...-], words that came in {+...+}; unchanged ones as they
// are. White space is not compared.
[[nodiscard]] std::string WordDiff(std::string_view before, std::string_view after);

}  // namespace selftune::capi
