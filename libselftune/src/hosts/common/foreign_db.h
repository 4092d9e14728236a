// A SQLite store of another program, read as it lies there.
//
// Nothing of it is ever changed: no file is written, made or locked, a live
// write-ahead log is read with an index in memory (foreign_file.h). The price is
// that the host may write while we read; CheckUnchanged says whether everything
// read so far belongs together, and has to be asked before it is used.
//
//   ST_ASSIGN_OR_RETURN(auto db, ForeignDb::Open(path, kTables));
//   if (!db->Has("session", {"id", "parent_id"})) ...  // another schema
//   ST_ASSIGN_OR_RETURN(ForeignQuery rows, db->Query("SELECT id FROM session WHERE rowid>?1"));
//   rows.Bind(1, seen);
//   for (;;) {
//     ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
//     if (!more) break;
//     Use(rows.Text(0));
//   }
//   ST_RETURN_IF_ERROR(db->CheckUnchanged());
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/time.h"
#include "ingest/byte_stream.h"

struct sqlite3;
struct sqlite3_stmt;

namespace selftune::hosts {

// The rows of a query. Views are valid until the next Next(), Bind() or Reset().
// Must not outlive its ForeignDb.
class ForeignQuery {
 public:
  ForeignQuery(ForeignQuery&& other) noexcept
      : stmt_(std::exchange(other.stmt_, nullptr)), path_(other.path_), done_(other.done_) {}
  ForeignQuery& operator=(ForeignQuery&&) = delete;
  ~ForeignQuery();

  // Parameters count from 1. `text` is copied.
  void Bind(int index, int64_t value);
  void Bind(int index, std::string_view text);
  // Back to the start, for other parameters.
  void Reset();

  // STORE_CORRUPT, FILE_TOO_LARGE (a value above kMaxForeignValue) or FILE_UNREADABLE.
  [[nodiscard]] StatusOr<bool> Next();
  [[nodiscard]] bool IsNull(int column) const;
  [[nodiscard]] bool IsText(int column) const;
  [[nodiscard]] int64_t Int(int column) const;            // 0 for NULL
  [[nodiscard]] std::string_view Text(int column) const;  // "" for NULL
  [[nodiscard]] std::string_view Bytes(int column) const;
  [[nodiscard]] std::string String(int column) const { return std::string(Text(column)); }
  // Milliseconds since the epoch; nullopt for NULL.
  [[nodiscard]] std::optional<UtcMillis> Time(int column) const;

 private:
  friend class ForeignDb;
  ForeignQuery(sqlite3_stmt* stmt, const std::string* path) : stmt_(stmt), path_(path) {}

  sqlite3_stmt* stmt_;
  const std::string* path_;
  bool done_ = false;
};

// Bytes of one value that a query gives. Longer ones, and there are some, are read by
// LongText: a row of them may be all the memory that a sync is to take.
inline constexpr int kMaxForeignValue = 16 << 20;
// ... of a table whose rows are many and mostly short.
inline constexpr int kMaxShortValue = 1 << 20;

// One connection that sees the store as it was when it was opened. Not thread-safe.
class ForeignDb {
 public:
  // Only the tables named can be read: queries of others fail (credentials of a
  // host often lie beside its sessions). A table that does not exist is no error.
  // Errors: FILE_NOT_FOUND, FILE_UNREADABLE, STORE_CORRUPT (no database),
  // STORE_BUSY (a writer of a store without log is in the middle of its work).
  [[nodiscard]] static StatusOr<std::unique_ptr<ForeignDb>> Open(
      const std::string& path, std::span<const std::string_view> tables);
  ~ForeignDb();
  ForeignDb(const ForeignDb&) = delete;
  ForeignDb& operator=(const ForeignDb&) = delete;

  // Does the table exist, with all these columns?
  [[nodiscard]] bool Has(std::string_view table,
                         std::initializer_list<std::string_view> columns = {}) const;
  // What is missing, for people: "part.data, session"; "" = nothing.
  [[nodiscard]] std::string Missing(std::string_view table,
                                    std::initializer_list<std::string_view> columns) const;

  [[nodiscard]] StatusOr<ForeignQuery> Query(std::string_view sql);
  // A JSON text of any length, read piece by piece, without the middles of its long
  // strings (ingest/long_line.h). The table is one of those named.
  [[nodiscard]] StatusOr<std::string> LongText(const std::string& table, const std::string& column,
                                               int64_t rowid);
  // A value of any length as bytes in their order. Ends before the database does.
  [[nodiscard]] StatusOr<std::unique_ptr<ingest::ByteStream>> OpenValue(const std::string& table,
                                                                        const std::string& column,
                                                                        int64_t rowid);
  // Queries give values of up to so many bytes from now on.
  void SetLongest(int bytes);
  // First column of the first row; `fallback` when there is none, or it is NULL.
  [[nodiscard]] StatusOr<int64_t> QueryInt(std::string_view sql, int64_t fallback);

  // FILE_CHANGED (retryable by opening again) when the host wrote over what we
  // may have read. What it appended to its log meanwhile does no harm.
  [[nodiscard]] Status CheckUnchanged() const;

 private:
  // What changes when pages we read are written over.
  struct Stamp {
    uint64_t dev = 0, inode = 0, size = 0;
    int64_t mtime_ns = 0;
    std::string log_head;  // salts of the log, "" = no log
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  explicit ForeignDb(std::string path) : path_(std::move(path)) {}
  [[nodiscard]] StatusOr<Stamp> Look() const;
  [[nodiscard]] Status Start(std::span<const std::string_view> tables);
  [[nodiscard]] Status ReadColumns(std::string_view table);
  [[nodiscard]] Status Error(int code, std::string_view doing) const;

  const std::string path_;
  sqlite3* db_ = nullptr;
  Stamp stamp_;
  // Of the tables that may be read and exist.
  std::map<std::string, std::vector<std::string>, std::less<>> columns_;
};

// While it lives, queries give no longer values than that.
class LongestValue {
 public:
  LongestValue(ForeignDb& db, int bytes) : db_(db) { db_.SetLongest(bytes); }
  ~LongestValue() { db_.SetLongest(kMaxForeignValue); }
  LongestValue(const LongestValue&) = delete;
  LongestValue& operator=(const LongestValue&) = delete;

 private:
  ForeignDb& db_;
};

// The store as sync compares it with the last look: the database and its log.
[[nodiscard]] StatusOr<base::FileInfo> LookAtForeignDb(const std::string& path);

}  // namespace selftune::hosts
