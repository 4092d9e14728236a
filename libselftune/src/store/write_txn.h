// The only way to write: BEGIN IMMEDIATE ... COMMIT with the rollups, counters
// and the change clock brought up to date in the same transaction.
#pragma once

#include <utility>

#include "base/error.h"
#include "store/db.h"

namespace selftune::store {

//   ST_ASSIGN_OR_RETURN(WriteTxn txn, WriteTxn::Begin(db));
//   ... writes through the Db ...
//   ST_RETURN_IF_ERROR(txn.Commit());
//
// Going out of scope without Commit rolls back. One at a time per Db.
class WriteTxn {
 public:
  // STORE_BUSY when another writer holds the lock past the busy timeout.
  [[nodiscard]] static StatusOr<WriteTxn> Begin(Db& db);
  WriteTxn(WriteTxn&& other) noexcept : db_(std::exchange(other.db_, nullptr)) {}
  WriteTxn& operator=(WriteTxn&&) = delete;
  ~WriteTxn();

  // After a failure nothing of the transaction remains.
  [[nodiscard]] Status Commit();

 private:
  explicit WriteTxn(Db* db) : db_(db) {}
  void Rollback();
  Db* db_;
};

}  // namespace selftune::store
