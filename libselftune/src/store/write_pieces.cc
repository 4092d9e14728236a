#include "store/write_pieces.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/status_macros.h"

namespace selftune::store {

StatusOr<WriteTurn> WriteTurn::Begin(Db& db, const base::Cancel* cancel) {
  if (cancel != nullptr) ST_RETURN_IF_ERROR(cancel->Check());
  const auto asked = Clock::now();
  ST_ASSIGN_OR_RETURN(WriteTxn txn, WriteTxn::Begin(db));
  const Clock::duration waited = Clock::now() - asked;
  return WriteTurn(std::move(txn), std::clamp<Clock::duration>(waited, kPieceTime, kLongPieceTime));
}

Status WriteTurn::End(bool more) {
  ST_RETURN_IF_ERROR(txn_.Commit());
  if (more) std::this_thread::sleep_for(Clock::now() - begun_);
  return absl::OkStatus();
}

Status WriteInPieces(Db& db, const base::Cancel* cancel, size_t count,
                     absl::FunctionRef<Status(size_t)> each) {
  for (size_t at = 0; at < count;) {
    ST_ASSIGN_OR_RETURN(WriteTurn turn, WriteTurn::Begin(db, cancel));
    const size_t first = at;
    do {
      ST_RETURN_IF_ERROR(each(at++));
    } while (at < count && (turn.is_long() || at - first < kPieceItems) && !turn.Over());
    ST_RETURN_IF_ERROR(turn.End(at < count));
  }
  return absl::OkStatus();
}

}  // namespace selftune::store
