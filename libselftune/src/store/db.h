// A connection to selftune.db. Opening checks that the file is ours and of a
// version we understand; every failure carries a STORE_* code.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "store/ids.h"
#include "store/statement.h"

struct sqlite3;

namespace selftune::store {

inline constexpr int64_t kApplicationId = 0x5354554E;  // 'STUN'
inline constexpr int kSchemaVersion = 1;

enum class OpenMode {
  kReadOnly,   // query_only; STORE_MISSING when there is no file
  kReadWrite,  // must exist and have our schema version
  kCreate,     // creates the file and migrates an older one (backup first)
};

// A row of table host that a registry knows.
struct HostName {
  std::string_view platform, title;
};

struct OpenOptions {
  OpenMode mode = OpenMode::kReadOnly;
  // Commits survive a power cut (deploy journals, consent); otherwise only a
  // crash of the process. What can be read again needs no more.
  bool durable = false;
  // A long run of large transactions: the WAL is folded in rarely.
  bool bulk = false;
  // How long to wait for another writer; 0 = the role's default (30 s, readers 2 s).
  std::chrono::milliseconds busy_timeout{0};
  // Ends waits for other writers early (CANCELLED); see Db::SetCancel.
  const base::Cancel* cancel = nullptr;
  std::span<const HostName> hosts = {};
  // Pages the file may have; 0 = no limit. For tests of a full disk.
  int64_t max_pages = 0;
};

// What a transaction touched, so that listeners refetch only that.
enum Topic : uint32_t {
  kTopicEvidence = 1,
  kTopicGrading = 2,
  kTopicEvolution = 4,
  kTopicJobs = 8,
  kTopicUpload = 16,
  kTopicSettings = 32,
};

// Rows of table counter.
enum class Counter { kSessions, kPrompts, kObservations, kEvidence, kTelemetry };
inline constexpr size_t kCounters = 5;

// STORE_FOREIGN, with the way out.
[[nodiscard]] Status ForeignStore(const std::string& path);

// One connection with its statement cache. Not thread-safe: one per thread,
// or guarded by its owner. Outlives its cursors and transactions.
class Db {
 public:
  // Errors: STORE_MISSING, STORE_FOREIGN, SCHEMA_NEWER, STORE_CORRUPT,
  // STORE_READ_ONLY, STORE_BUSY, STORE_FULL.
  [[nodiscard]] static StatusOr<std::unique_ptr<Db>> Open(const std::string& path,
                                                          const OpenOptions& options);
  // For this module: no look at mark, version and schema (migration, backups).
  [[nodiscard]] static StatusOr<std::unique_ptr<Db>> OpenUnchecked(
      const std::string& path, bool read_only = false, std::chrono::milliseconds wait = {});
  ~Db();
  Db(const Db&) = delete;
  Db& operator=(const Db&) = delete;

  // Starts a query. `sql` is a constant: the statement is prepared once per
  // connection and found again by its address. Text arguments are copied.
  template <typename... Args>
  [[nodiscard]] StatusOr<Cursor> Query(const char* sql, const Args&... args) {
    const std::array<internal::Value, sizeof...(Args)> values = {internal::ToValue(args)...};
    return Start(sql, values, /*copy_text=*/true);
  }
  // Runs a statement to its end, ignoring rows.
  template <typename... Args>
  [[nodiscard]] Status Run(const char* sql, const Args&... args) {
    const std::array<internal::Value, sizeof...(Args)> values = {internal::ToValue(args)...};
    return RunValues(sql, values);
  }
  // Whether the store has this table or index. One that an older program made is without the
  // newest ones until it is opened to be made whole (OpenMode::kCreate).
  [[nodiscard]] StatusOr<bool> Has(std::string_view name);
  // First column of the first row; `fallback` when there is no row.
  template <typename... Args>
  [[nodiscard]] StatusOr<int64_t> QueryInt(const char* sql, int64_t fallback, const Args&... args) {
    const std::array<internal::Value, sizeof...(Args)> values = {internal::ToValue(args)...};
    return FirstInt(sql, values, fallback);
  }
  // Several statements without arguments (schema, pragmas). Not cached.
  [[nodiscard]] Status Execute(const std::string& sql);

  [[nodiscard]] int64_t last_insert_id() const;
  [[nodiscard]] int64_t changes() const;  // rows changed by the latest Run
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool read_only() const { return read_only_; }
  [[nodiscard]] int schema_version() const { return schema_version_; }
  [[nodiscard]] bool in_transaction() const;

  // The path names another file now, or none: this connection writes into the
  // past. Costs a stat.
  [[nodiscard]] bool Replaced() const;
  // Moves when another connection committed; equal values mean no change.
  [[nodiscard]] StatusOr<int64_t> DataVersion();
  // Folds the WAL into the file; what others still read stays.
  [[nodiscard]] Status Checkpoint(bool truncate);
  // Shrinks the file to what it holds. Not inside a transaction.
  [[nodiscard]] Status Vacuum();

  // Called by writers inside a transaction; WriteTxn::Commit applies them.
  void Touch(Topic topic) { pending_topics_ |= topic; }
  void Count(Counter counter, int64_t delta) {
    pending_counts_[static_cast<size_t>(counter)] += delta;
  }
  // Goes up with each rollback: ids remembered from before may not exist.
  [[nodiscard]] int64_t rollbacks() const { return rollbacks_; }
  // Number of write transactions begun here.
  [[nodiscard]] int64_t transactions() const { return transactions_; }

  // From now on a wait for the locks of others ends with CANCELLED as soon as
  // `cancel` is requested; nullptr: nobody cancels. It must live until replaced.
  void SetCancel(const base::Cancel* cancel) { wait_.cancel = cancel; }
  // While it lives nobody cancels the waits of `db`: for what must not stop half
  // way.
  class NoCancel {
   public:
    explicit NoCancel(Db& db) : db_(db), cancel_(db.wait_.cancel) { db.SetCancel(nullptr); }
    ~NoCancel() { db_.SetCancel(cancel_); }
    NoCancel(const NoCancel&) = delete;
    NoCancel& operator=(const NoCancel&) = delete;

   private:
    Db& db_;
    const base::Cancel* cancel_;
  };

  // For the other files of this module.
  [[nodiscard]] sqlite3* handle() const { return db_; }
  [[nodiscard]] Status Error(int code, std::string_view doing) const;

 private:
  friend class Cursor;
  friend class WriteTxn;
  explicit Db(std::string path) : path_(std::move(path)) {}

  [[nodiscard]] Status OpenHandle();
  void SetLimits(std::chrono::milliseconds busy_timeout);
  [[nodiscard]] Status CheckMark(const OpenOptions& options);
  [[nodiscard]] Status SetPragmas(const OpenOptions& options);
  [[nodiscard]] StatusOr<Cursor> Start(const char* sql, std::span<const internal::Value> values,
                                       bool copy_text);
  [[nodiscard]] Status RunValues(const char* sql, std::span<const internal::Value> values);
  [[nodiscard]] StatusOr<int64_t> FirstInt(const char* sql, std::span<const internal::Value> values,
                                           int64_t fallback);
  void Return(sqlite3_stmt* stmt, const char* sql, bool cached);

  struct Cached {
    sqlite3_stmt* stmt = nullptr;
    bool in_use = false;
  };
  std::string path_;
  sqlite3* db_ = nullptr;
  bool read_only_ = false;
  int schema_version_ = 0;
  std::unordered_map<const char*, Cached> statements_;
  uint32_t pending_topics_ = 0;
  std::array<int64_t, kCounters> pending_counts_{};
  int64_t rollbacks_ = 0;
  int64_t changes_at_begin_ = 0;
  int64_t transactions_ = 0;
  struct LockWait {  // for locks of others
    std::chrono::milliseconds limit{0};
    const base::Cancel* cancel = nullptr;
    [[nodiscard]] bool cancelled() const { return cancel != nullptr && cancel->requested(); }
  };
  static int WaitForLock(void* wait, int attempt);
  LockWait wait_;
};

// `<state dir>/selftune.db`.
[[nodiscard]] std::string StorePath(std::string_view state_dir);

}  // namespace selftune::store
