#include "store/bulk_run.h"

#include <sqlite3.h>

namespace selftune::store {
namespace {

constexpr int kPages = 1000;  // what SQLite does by default
constexpr int kBulkPages = 16'000;

}  // namespace

BulkRun::BulkRun(Db& db) : db_(db) { sqlite3_wal_autocheckpoint(db.handle(), kBulkPages); }

BulkRun::~BulkRun() { sqlite3_wal_autocheckpoint(db_.handle(), kPages); }

}  // namespace selftune::store
