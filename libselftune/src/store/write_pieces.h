// Much to write, in transactions that nobody waits long for.
#pragma once

#include <chrono>
#include <cstddef>

#include <absl/functional/function_ref.h>

#include "base/cancel.h"
#include "base/error.h"
#include "store/db.h"

namespace selftune::store {

// What one transaction holds at most: so many items, and none more once it took so long.
inline constexpr size_t kPieceItems = 500;
inline constexpr std::chrono::milliseconds kPieceTime{25};

// `each` for 0 .. `count`-1 in order, inside WriteTxns. Between two of them others get their
// turn: who waits for the lock asks again and again, so it is left alone as long as it was
// held. What was committed stays when it fails or is cancelled.
[[nodiscard]] Status WriteInPieces(Db& db, const base::Cancel* cancel, size_t count,
                                   absl::FunctionRef<Status(size_t)> each);

}  // namespace selftune::store
