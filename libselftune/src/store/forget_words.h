// Words that a person wants gone, in rows that no prompt with these words owns: arguments,
// details of events, titles of commits, mentions.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/cancel.h"
#include "base/error.h"
#include "store/db.h"

namespace selftune::store {

// Rows that were changed. In transactions of its own; what there is is looked for while others
// write.
[[nodiscard]] StatusOr<int64_t> EraseWords(Db& db, std::string_view words,
                                           const base::Cancel* cancel);

}  // namespace selftune::store
