#include "store/write_pieces.h"

#include <chrono>
#include <thread>

#include "base/status_macros.h"
#include "store/write_txn.h"

namespace selftune::store {

using SteadyClock = std::chrono::steady_clock;

Status WriteInPieces(Db& db, const base::Cancel* cancel, size_t count,
                     absl::FunctionRef<Status(size_t)> each) {
  for (size_t at = 0; at < count;) {
    if (cancel != nullptr) ST_RETURN_IF_ERROR(cancel->Check());
    ST_ASSIGN_OR_RETURN(WriteTxn txn, WriteTxn::Begin(db));
    const auto begun = SteadyClock::now();
    const size_t first = at;
    do {
      ST_RETURN_IF_ERROR(each(at++));
    } while (at < count && at - first < kPieceItems && SteadyClock::now() - begun < kPieceTime);
    ST_RETURN_IF_ERROR(txn.Commit());
    if (at < count) std::this_thread::sleep_for(SteadyClock::now() - begun);
  }
  return absl::OkStatus();
}

}  // namespace selftune::store
