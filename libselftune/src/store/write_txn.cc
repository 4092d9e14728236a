#include "store/write_txn.h"

#include <sqlite3.h>

#include <array>
#include <string_view>

#include "base/status_macros.h"
#include "store/rollup.h"

namespace selftune::store {
namespace {

constexpr char kBegin[] = "BEGIN IMMEDIATE";
constexpr char kCommit[] = "COMMIT";
constexpr char kRollback[] = "ROLLBACK";
constexpr char kAddCount[] = R"sql(UPDATE counter SET value=value+?2 WHERE name=?1)sql";
constexpr char kTick[] = R"sql(UPDATE change_clock SET version=version+1, topics=?1 WHERE id=1)sql";

constexpr std::array<std::string_view, kCounters> kCounterNames = {
    "sessions", "prompts", "observations", "evidence", "telemetry"};

}  // namespace

StatusOr<WriteTxn> WriteTxn::Begin(Db& db) {
  if (db.read_only()) {
    return Fail(kStoreReadOnly, "writing to {}: the store is open for reading only", db.path());
  }
  ST_RETURN_IF_ERROR(db.Run(kBegin));
  if (db.Replaced()) {
    ST_RETURN_IF_ERROR(db.Run(kRollback));
    return Fail(kStoreBusy, "writing to {}: another file was put in its place meanwhile",
                db.path());
  }
  ++db.transactions_;
  db.pending_topics_ = 0;
  db.pending_counts_ = {};
  db.changes_at_begin_ = sqlite3_total_changes64(db.handle());
  return WriteTxn(&db);
}

WriteTxn::~WriteTxn() { Rollback(); }

void WriteTxn::Rollback() {
  Db* const db = std::exchange(db_, nullptr);
  if (db == nullptr) return;
  ++db->rollbacks_;
  // A full disk or a broken file has already rolled back by itself.
  if (!db->in_transaction()) return;
  try {
    const Status status = db->Run(kRollback);
    (void)status;  // nothing is left to undo with
  } catch (...) {  // NOLINT(bugprone-empty-catch): no memory; closing the connection rolls back
  }
}

Status WriteTxn::Commit() {
  if (db_ == nullptr) return Fail(kInternal, "committing a transaction that is over");
  Db& db = *db_;
  Status status = DrainRollups(db);
  for (size_t i = 0; i < kCounters && status.ok(); ++i) {
    const int64_t delta = db.pending_counts_[i];
    if (delta != 0) status = db.Run(kAddCount, kCounterNames[i], delta);
  }
  const bool changed = sqlite3_total_changes64(db.handle()) != db.changes_at_begin_;
  if (status.ok() && changed) {
    const uint32_t topics = db.pending_topics_ != 0 ? db.pending_topics_ : kTopicEvidence;
    status = db.Run(kTick, topics);
  }
  if (status.ok()) status = db.Run(kCommit);
  if (!status.ok()) {
    Rollback();
    return status;
  }
  db_ = nullptr;
  return status;
}

}  // namespace selftune::store
