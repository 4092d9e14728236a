// Write transactions of a sync.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "store/db.h"
#include "store/write_txn.h"

namespace selftune::sync {

// Transactions of bounded size and time, so that hooks get in between.
class Batches {
 public:
  explicit Batches(store::Db& db) : db_(db) {}

  Status Open() {
    if (txn_.has_value()) return absl::OkStatus();
    ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db_));
    txn_.emplace(std::move(txn));
    started_ = std::chrono::steady_clock::now();
    rows_ = 0;
    return absl::OkStatus();
  }
  Status Wrote(size_t rows) {
    rows_ += rows;
    if (rows_ < kRowsPerTxn && std::chrono::steady_clock::now() - started_ < kTxnTime)
      return absl::OkStatus();
    return Close();
  }
  Status Close() {
    if (!txn_.has_value()) return absl::OkStatus();
    const Status status = txn_->Commit();
    txn_.reset();
    return status;
  }
  [[nodiscard]] bool open() const { return txn_.has_value(); }

 private:
  static constexpr size_t kRowsPerTxn = 10000;
  static constexpr std::chrono::milliseconds kTxnTime{200};

  store::Db& db_;
  std::optional<store::WriteTxn> txn_;
  std::chrono::steady_clock::time_point started_;
  size_t rows_ = 0;
};

}  // namespace selftune::sync
