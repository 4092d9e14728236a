// Much to write, in transactions that nobody waits long for.
#pragma once

#include <chrono>
#include <cstddef>
#include <utility>

#include <absl/functional/function_ref.h>

#include "base/cancel.h"
#include "base/error.h"
#include "store/db.h"
#include "store/write_txn.h"

namespace selftune::store {

// What one transaction holds at most: so many items, and none more once it took so long.
inline constexpr size_t kPieceItems = 500;
inline constexpr std::chrono::milliseconds kPieceTime{25};
// Who waited longer for the lock than that has a turn as long, but no longer than this: beside
// somebody who writes all the time each gets about half.
inline constexpr std::chrono::milliseconds kLongPieceTime{200};

// One of those transactions. Others get their turn behind it: who waits for the lock asks
// again and again, so it is left alone as long as it was held.
class WriteTurn {
 public:
  [[nodiscard]] static StatusOr<WriteTurn> Begin(Db& db, const base::Cancel* cancel);
  // Is it time to end it?
  [[nodiscard]] bool Over() const { return Clock::now() - begun_ >= time_; }
  // Had it to wait, so that more may be done in it?
  [[nodiscard]] bool is_long() const { return time_ > kPieceTime; }
  // Commits. `more`: another one follows.
  [[nodiscard]] Status End(bool more);

 private:
  using Clock = std::chrono::steady_clock;
  WriteTurn(WriteTxn txn, Clock::duration time)
      : txn_(std::move(txn)), begun_(Clock::now()), time_(time) {}
  WriteTxn txn_;
  Clock::time_point begun_;
  Clock::duration time_;
};

// `each` for 0 .. `count`-1 in order, in such turns. What was committed stays when it fails or
// is cancelled.
[[nodiscard]] Status WriteInPieces(Db& db, const base::Cancel* cancel, size_t count,
                                   absl::FunctionRef<Status(size_t)> each);

}  // namespace selftune::store
