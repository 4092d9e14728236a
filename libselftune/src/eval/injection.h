// Instructions to whoever reads a text, where a task or a description is expected
// ("ignore the previous rules"). Such texts reach no prompt.
#pragma once

#include <string_view>

namespace selftune::eval {

// Whatever invisible characters and white space stand between its words. Linear in the text.
[[nodiscard]] bool IsInjection(std::string_view text);

}  // namespace selftune::eval
