// A run of many write transactions on one connection.
#pragma once

#include "store/db.h"

namespace selftune::store {

// While it lives the log is folded into the file rarely. Each transaction writes
// many pages that the one before wrote; the file needs only the last of each.
//
//   const BulkRun bulk(db);
//   ... hundreds of transactions ...
//   db.Checkpoint(/*truncate=*/true);
class BulkRun {
 public:
  explicit BulkRun(Db& db);
  ~BulkRun();
  BulkRun(const BulkRun&) = delete;
  BulkRun& operator=(const BulkRun&) = delete;

 private:
  Db& db_;
};

}  // namespace selftune::store
