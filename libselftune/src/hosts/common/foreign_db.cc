#include "hosts/common/foreign_db.h"

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "hosts/common/foreign_file.h"
#include "ingest/long_line.h"

namespace selftune::hosts {
namespace {

constexpr uint64_t kLogHead = 32;
// Time stamps of files move in steps of a few milliseconds.
constexpr std::chrono::milliseconds kSettled{20};
constexpr int kSettleTries = 5;

std::string LogOf(const std::string& path) { return path + "-wal"; }

Status Failed(int code, std::string_view doing, std::string_view path, std::string_view what) {
  switch (code & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Fail(kStoreCorrupt, "{} {}: {}", doing, path, what);
    case SQLITE_TOOBIG:
      return Fail(kFileTooLarge, "{} {}: a value above {} bytes", doing, path, kMaxForeignValue);
    case SQLITE_READONLY:
    case SQLITE_BUSY:
      return Fail(kStoreBusy, "{} {}: its program is writing ({})", doing, path, what);
    default:
      return Fail(kFileUnreadable, "{} {}: {}", doing, path, what);
  }
}

using Value = std::unique_ptr<sqlite3_blob, decltype(&sqlite3_blob_close)>;

class ValueBytes final : public ingest::ByteStream {
 public:
  ValueBytes(Value value, std::string path)
      : value_(std::move(value)),
        path_(std::move(path)),
        size_(static_cast<uint64_t>(sqlite3_blob_bytes(value_.get()))) {}

  StatusOr<size_t> ReadAt(uint64_t offset, char* out, size_t size) override {
    if (offset >= size_) return size_t{0};
    const auto more = static_cast<size_t>(std::min<uint64_t>(size, size_ - offset));
    const int code =
        sqlite3_blob_read(value_.get(), out, static_cast<int>(more), static_cast<int>(offset));
    if (code != SQLITE_OK) {
      return Failed(code, "reading a long value of", path_, sqlite3_errstr(code));
    }
    return more;
  }

 private:
  const Value value_;
  const std::string path_;
  const uint64_t size_;
};

bool IsFreeTable(std::string_view table) {
  return table == "sqlite_master" || table == "sqlite_schema" || table.empty();
}

// Reading of the tables in `context` and nothing else.
int Authorize(void* context, int action, const char* table, const char* /*column*/,
              const char* /*database*/, const char* /*trigger*/) {
  if (action == SQLITE_SELECT || action == SQLITE_FUNCTION || action == SQLITE_RECURSIVE) {
    return SQLITE_OK;
  }
  if (action != SQLITE_READ) return SQLITE_DENY;
  using Columns = std::map<std::string, std::vector<std::string>, std::less<>>;
  const std::string_view name = table == nullptr ? std::string_view() : std::string_view(table);
  if (IsFreeTable(name)) return SQLITE_OK;
  return static_cast<const Columns*>(context)->contains(name) ? SQLITE_OK : SQLITE_DENY;
}

}  // namespace

// ------------------------------------------------------------------- query

ForeignQuery::~ForeignQuery() { sqlite3_finalize(stmt_); }

void ForeignQuery::Bind(int index, int64_t value) { sqlite3_bind_int64(stmt_, index, value); }

void ForeignQuery::Bind(int index, std::string_view text) {
  sqlite3_bind_text(stmt_, index, text.data() == nullptr ? "" : text.data(),
                    static_cast<int>(text.size()), SQLITE_TRANSIENT);
}

void ForeignQuery::Reset() {
  sqlite3_reset(stmt_);
  done_ = false;
}

StatusOr<bool> ForeignQuery::Next() {
  if (done_) return false;
  const int code = sqlite3_step(stmt_);
  if (code == SQLITE_ROW) return true;
  done_ = true;
  if (code == SQLITE_DONE) return false;
  return Failed(code, "reading", *path_, sqlite3_errmsg(sqlite3_db_handle(stmt_)));
}

bool ForeignQuery::IsNull(int column) const {
  return sqlite3_column_type(stmt_, column) == SQLITE_NULL;
}

bool ForeignQuery::IsText(int column) const {
  return sqlite3_column_type(stmt_, column) == SQLITE_TEXT;
}

int64_t ForeignQuery::Int(int column) const { return sqlite3_column_int64(stmt_, column); }

std::string_view ForeignQuery::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(stmt_, column));
  if (text == nullptr) return {};
  return {text, static_cast<size_t>(sqlite3_column_bytes(stmt_, column))};
}

std::string_view ForeignQuery::Bytes(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(stmt_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<size_t>(sqlite3_column_bytes(stmt_, column))};
}

std::optional<UtcMillis> ForeignQuery::Time(int column) const {
  if (IsNull(column)) return std::nullopt;
  return UtcMillis{Int(column)};
}

// ---------------------------------------------------------------- database

ForeignDb::~ForeignDb() { sqlite3_close(db_); }

Status ForeignDb::Error(int code, std::string_view doing) const {
  const char* what = db_ != nullptr ? sqlite3_errmsg(db_) : sqlite3_errstr(code);
  return Failed(code, doing, path_, what);
}

StatusOr<ForeignDb::Stamp> ForeignDb::Look() const {
  ST_ASSIGN_OR_RETURN(const base::FileInfo info, base::Stat(path_));
  // Opening a pipe waits for whoever writes to it.
  if (!info.is_file()) return Fail(kFileUnreadable, "opening {}: it is no file", path_);
  Stamp stamp{info.dev, info.inode, info.size, info.mtime_ns, {}};
  const auto log = base::OpenRead(LogOf(path_));
  if (!log.ok()) return stamp;
  stamp.log_head.resize(kLogHead);
  ST_ASSIGN_OR_RETURN(const size_t got,
                      base::ReadAt(log->fd(), 0, stamp.log_head.data(), kLogHead, LogOf(path_)));
  stamp.log_head.resize(got);
  return stamp;
}

Status ForeignDb::ReadColumns(std::string_view table) {
  ST_ASSIGN_OR_RETURN(ForeignQuery rows, Query("SELECT name FROM pragma_table_info(?1)"));
  rows.Bind(1, table);
  std::vector<std::string> columns;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) break;
    columns.push_back(rows.String(0));
  }
  if (!columns.empty()) columns_.emplace(table, std::move(columns));
  return absl::OkStatus();
}

Status ForeignDb::Start(std::span<const std::string_view> tables) {
  const int code = sqlite3_open_v2(path_.c_str(), &db_, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
                                   ReadOnlyFiles());
  if (code != SQLITE_OK) return Error(code, "opening");
  sqlite3_extended_result_codes(db_, 1);
  sqlite3_limit(db_, SQLITE_LIMIT_LENGTH, kMaxForeignValue);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  // Exclusive: the index of the log lies in memory. One transaction: all
  // queries see the same state.
  for (const char* sql :
       {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA temp_store=MEMORY", "PRAGMA cell_size_check=ON",
        "PRAGMA cache_size=-1000", "BEGIN", "SELECT count(*) FROM sqlite_master"}) {
    const int done = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
    if (done != SQLITE_OK) return Error(done, "opening");
  }
  for (const std::string_view table : tables) ST_RETURN_IF_ERROR(ReadColumns(table));
  sqlite3_set_authorizer(db_, Authorize, &columns_);
  return absl::OkStatus();
}

StatusOr<std::unique_ptr<ForeignDb>> ForeignDb::Open(const std::string& path,
                                                     std::span<const std::string_view> tables) {
  std::unique_ptr<ForeignDb> db(new ForeignDb(path));
  for (int attempt = 0;; ++attempt) {
    ST_ASSIGN_OR_RETURN(db->stamp_, db->Look());
    const auto age = std::chrono::system_clock::now().time_since_epoch() -
                     std::chrono::nanoseconds(db->stamp_.mtime_ns);
    // Written this very moment: a write after our look might not show in the time.
    if (age > kSettled || age < -kSettled || attempt == kSettleTries) break;
    std::this_thread::sleep_for(kSettled);
  }
  ST_RETURN_IF_ERROR(db->Start(tables));
  ST_RETURN_IF_ERROR(db->CheckUnchanged());
  return db;
}

bool ForeignDb::Has(std::string_view table, std::initializer_list<std::string_view> columns) const {
  return Missing(table, columns).empty();
}

std::string ForeignDb::Missing(std::string_view table,
                               std::initializer_list<std::string_view> columns) const {
  const auto found = columns_.find(table);
  if (found == columns_.end()) return std::string(table);
  std::string missing;
  for (const std::string_view column : columns) {
    if (std::find(found->second.begin(), found->second.end(), column) != found->second.end()) {
      continue;
    }
    if (!missing.empty()) missing.append(", ");
    missing.append(table).append(".").append(column);
  }
  return missing;
}

StatusOr<ForeignQuery> ForeignDb::Query(std::string_view sql) {
  sqlite3_stmt* stmt = nullptr;
  const int code =
      sqlite3_prepare_v2(db_, sql.data(), static_cast<int>(sql.size()), &stmt, nullptr);
  if (code != SQLITE_OK) return Error(code, "asking");
  return ForeignQuery(stmt, &path_);
}

StatusOr<std::string> ForeignDb::LongText(const std::string& table, const std::string& column,
                                          int64_t rowid) {
  ST_ASSIGN_OR_RETURN(const auto value, OpenValue(table, column, rowid));
  constexpr size_t kChunk = size_t{1} << 20;
  std::string out;
  ingest::LongLine line;
  size_t used = 0;
  for (uint64_t at = 0;;) {
    out.resize(used + kChunk);
    ST_ASSIGN_OR_RETURN(const size_t got, value->ReadAt(at, out.data() + used, kChunk));
    if (got == 0) break;
    at += got;
    used = line.Squeeze(out.data(), used + got);
  }
  out.resize(used);
  return out;
}

StatusOr<std::unique_ptr<ingest::ByteStream>> ForeignDb::OpenValue(const std::string& table,
                                                                   const std::string& column,
                                                                   int64_t rowid) {
  if (!Has(table, {column})) return Fail(kInternal, "reading {}: no {}.{}", path_, table, column);
  sqlite3_blob* raw = nullptr;
  const int code =
      sqlite3_blob_open(db_, "main", table.c_str(), column.c_str(), rowid, /*flags=*/0, &raw);
  Value value(raw, sqlite3_blob_close);
  if (code != SQLITE_OK) return Error(code, "reading a long value of");
  return std::unique_ptr<ingest::ByteStream>(std::make_unique<ValueBytes>(std::move(value), path_));
}

void ForeignDb::SetLongest(int bytes) { sqlite3_limit(db_, SQLITE_LIMIT_LENGTH, bytes); }

StatusOr<int64_t> ForeignDb::QueryInt(std::string_view sql, int64_t fallback) {
  ST_ASSIGN_OR_RETURN(ForeignQuery row, Query(sql));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  return found && !row.IsNull(0) ? row.Int(0) : fallback;
}

Status ForeignDb::CheckUnchanged() const {
  ST_ASSIGN_OR_RETURN(Stamp now, Look());
  // A log that only begins now was empty: nothing of it was read.
  if (stamp_.log_head.empty()) now.log_head.clear();
  if (now == stamp_) return absl::OkStatus();
  return Fail(kFileChanged, "reading {}: its program wrote to it meanwhile", path_);
}

StatusOr<base::FileInfo> LookAtForeignDb(const std::string& path) {
  ST_ASSIGN_OR_RETURN(base::FileInfo info, base::Stat(path));
  const auto log = base::Stat(LogOf(path));
  if (!log.ok()) return info;
  info.size += log->size;
  info.mtime_ns = std::max(info.mtime_ns, log->mtime_ns);
  info.ctime_ns = std::max(info.ctime_ns, log->ctime_ns);
  return info;
}

}  // namespace selftune::hosts
