// Texts as this program writes them, told from what damage makes of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/db.h"

namespace selftune::store {

// No text that was ever stored: neither UTF-8 nor a path in the encoding of an
// older system.
[[nodiscard]] bool IsBrokenText(std::string_view text);

// "table.column" of each column that holds such a text. Reads every text.
[[nodiscard]] StatusOr<std::vector<std::string>> ColumnsOfBrokenText(Db& db);

}  // namespace selftune::store
