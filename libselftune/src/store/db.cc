#include "store/db.h"

#include <sqlite3.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "base/file.h"
#include "base/status_macros.h"
#include "base/thrown.h"
#include "store/migrate.h"
#include "store/swap.h"

namespace selftune::store {
namespace {

constexpr auto kWriterWait = std::chrono::seconds(30);
constexpr auto kReaderWait = std::chrono::seconds(2);
constexpr int kLookasideSize = 1200;  // bytes; what SQLite has by default
constexpr int kLookaside = 500;
constexpr int kBulkCheckpointPages = 16'000;

constexpr char kApplicationIdSql[] = "PRAGMA application_id";
constexpr char kUserVersionSql[] = "PRAGMA user_version";
constexpr char kDataVersionSql[] = "PRAGMA data_version";
constexpr char kTableCount[] = R"sql(SELECT count(*) FROM sqlite_schema)sql";
constexpr char kMinReader[] =
    R"sql(SELECT CAST(value AS INTEGER) FROM meta WHERE key='min_reader')sql";
constexpr char kHasObject[] = R"sql(SELECT 1 FROM sqlite_schema WHERE name=?1)sql";
constexpr char kHasHost[] = R"sql(SELECT 1 FROM host WHERE platform=?1)sql";
constexpr char kAddHost[] =
    R"sql(INSERT INTO host(platform,name) VALUES(?1,?2) ON CONFLICT DO NOTHING)sql";

const ErrorCode& CodeFor(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return kStoreBusy;
    case SQLITE_FULL:
      return kStoreFull;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return kStoreCorrupt;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return kStoreReadOnly;
    case SQLITE_CONSTRAINT:
      return kStoreConstraint;
    case SQLITE_INTERRUPT:
      return kCancelledError;
    case SQLITE_IOERR:
      return kWriteFailed;
    default:
      return kInternal;
  }
}

int BindValue(sqlite3_stmt* stmt, int index, const internal::Value& value, bool copy) {
  const auto keep = copy ? SQLITE_TRANSIENT : SQLITE_STATIC;
  // An empty view may have no address, which would bind NULL.
  const char* bytes = value.bytes.data() != nullptr ? value.bytes.data() : "";
  switch (value.type) {
    case internal::Value::Type::kNull:
      return sqlite3_bind_null(stmt, index);
    case internal::Value::Type::kInt:
      return sqlite3_bind_int64(stmt, index, value.integer);
    case internal::Value::Type::kDouble:
      return sqlite3_bind_double(stmt, index, value.real);
    case internal::Value::Type::kText:
      return sqlite3_bind_text64(stmt, index, bytes, value.bytes.size(), keep, SQLITE_UTF8);
    case internal::Value::Type::kBlob:
      return sqlite3_bind_blob64(stmt, index, bytes, value.bytes.size(), keep);
  }
  return SQLITE_MISUSE;
}

Status Missing(const std::string& path) {
  return WithSuggestion(Fail(kStoreMissing, "opening the store: there is no file {}", path),
                        "read the transcripts of this machine first", "selftune sync");
}

bool HasLog(const std::string& path) {
  const auto log = base::Stat(path + "-wal");
  return log.ok() && log->size > 0;
}

Status LogAlone(const std::string& path) {
  return WithSuggestion(
      Fail(kStoreCorrupt, "opening the store: {} is empty or gone, its log {}-wal is not", path,
           path),
      "save what can be read of it; the file is kept", "selftune recover");
}

// The first bytes of a file; "" when it has fewer, or is none.
std::string Head(const std::string& path, size_t size) {
  std::string head(size, '\0');
  const auto info = base::Stat(path);
  if (!info.ok() || !info->is_file()) return "";  // opening a pipe would wait
  const auto file = base::OpenRead(path);
  if (!file.ok()) return "";
  const auto got = base::ReadAt(file->fd(), 0, head.data(), size, path);
  return got.ok() && *got == size ? head : "";
}

int64_t BigEndian32(std::string_view bytes, size_t at) {
  int64_t out = 0;
  for (size_t i = 0; i < 4; ++i) out = (out << 8) | static_cast<unsigned char>(bytes[at + i]);
  return out;
}

// By its bytes: opening it with the library may change it.
bool HasForeignMark(const std::string& path) {
  constexpr size_t kHeader = 100, kMark = 68;
  const std::string head = Head(path, kHeader);
  return !head.empty() && BigEndian32(head, kMark) != kApplicationId;
}

// The log of a change that another program did not end, to a database that had pages
// before: who opens that to write takes the change back. A store of ours has such a log
// only while its file is made.
bool HasForeignJournal(const std::string& path) {
  constexpr std::string_view kMagic = "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7";
  constexpr size_t kHeader = 28, kPagesBefore = 16;
  const std::string head = Head(path + "-journal", kHeader);
  return head.starts_with(kMagic) && BigEndian32(head, kPagesBefore) > 0 && HasForeignMark(path);
}

// The file exists with mode 0600 before the database library opens it, so that
// the WAL and its index get the same mode.
Status PrepareFile(const std::string& path) {
  if (base::Exists(path)) return absl::OkStatus();
  if (HasLog(path)) return LogAlone(path);
  ST_RETURN_IF_ERROR(base::MakeDirs(std::string(base::DirName(path)), 0700));
  const Status made = base::WriteFileNew(path, "", 0600);
  if (!made.ok() && CodeOf(made).name != kFileExists.name) return made;
  return absl::OkStatus();
}

}  // namespace

Status ForeignStore(const std::string& path) {
  return WithSuggestion(
      Fail(kStoreForeign, "{} is a database that selftune did not make", path),
      "the file is left alone: take it over if the TypeScript selftune made it, else move it "
      "away or keep the store elsewhere with --db",
      "selftune import upstream");
}

// Waits a little and says whether to try again; spread out, so that waiting
// writers do not meet again.
int Db::WaitForLock(void* wait, int attempt) {
  const LockWait& waiting = *static_cast<const LockWait*>(wait);
  // Pauses grow from about 1 to about 50 ms; their sum is bounded by the limit.
  const int step = attempt < 10 ? 1 + attempt : 11 + (attempt * 7919) % 40;
  const int spent = attempt < 10 ? attempt * (attempt + 1) / 2 : 55 + (attempt - 10) * 30;
  if (waiting.cancelled() || std::chrono::milliseconds(spent) >= waiting.limit) return 0;
  const int jitter = static_cast<int>((static_cast<unsigned>(getpid()) * 31U + attempt * 17U) % 5U);
  std::this_thread::sleep_for(std::chrono::milliseconds(step + jitter));
  return 1;
}

std::string StorePath(std::string_view state_dir) {
  return base::JoinPath(state_dir, "selftune.db");
}

StatusOr<std::unique_ptr<Db>> Db::Open(const std::string& path, const OpenOptions& options) {
  if (options.mode != OpenMode::kReadOnly) ST_RETURN_IF_ERROR(FinishSwap(path));
  if (options.mode == OpenMode::kCreate) {
    ST_RETURN_IF_ERROR(PrepareFile(path));
  } else if (!base::Exists(path)) {
    return Missing(path);
  }
  // Whose place an import is about to take: its log may not be beside it any more, and
  // without that it can look empty.
  const bool gives_way = base::Exists(path + ".importing") && HasForeignMark(path);
  if (gives_way || HasForeignJournal(path)) return ForeignStore(path);
  std::unique_ptr<Db> db(new Db(path));
  db->read_only_ = options.mode == OpenMode::kReadOnly;
  ST_RETURN_IF_ERROR(db->OpenHandle());
  db->SetLimits(options.busy_timeout);
  db->SetCancel(options.cancel);
  ST_RETURN_IF_ERROR(db->CheckMark(options));
  ST_RETURN_IF_ERROR(db->SetPragmas(options));
  return db;
}

Status Db::OpenHandle() {
  // Opening a pipe would wait for whoever writes it.
  ST_ASSIGN_OR_RETURN(const base::FileInfo file, base::Stat(path_));
  if (!file.is_file()) {
    return WithSuggestion(Fail(kStoreCorrupt, "opening the store: {} is no plain file", path_),
                          "move it away; the next sync makes a new store", "selftune sync");
  }
  // The library takes an empty file for a new one, and removes its log.
  if (file.size == 0 && HasLog(path_)) return LogAlone(path_);
  const int flags = (read_only_ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  const int code = sqlite3_open_v2(path_.c_str(), &db_, flags, nullptr);
  if (code != SQLITE_OK) return Error(code, "opening the store");
  // Prepared statements live long and would hold what there is by default; the
  // small values of each step then come from malloc, under a lock of the process.
  if (!read_only_) {
    sqlite3_db_config(db_, SQLITE_DBCONFIG_LOOKASIDE, nullptr, kLookasideSize, kLookaside);
  }
  return absl::OkStatus();
}

StatusOr<std::unique_ptr<Db>> Db::OpenUnchecked(const std::string& path, bool read_only,
                                                std::chrono::milliseconds wait) {
  if (!base::Exists(path)) return Missing(path);
  std::unique_ptr<Db> db(new Db(path));
  db->read_only_ = read_only;
  ST_RETURN_IF_ERROR(db->OpenHandle());
  db->SetLimits(wait);
  return db;
}

Db::~Db() {
  for (const auto& [sql, cached] : statements_) sqlite3_finalize(cached.stmt);
  sqlite3_close_v2(db_);
}

void Db::SetLimits(std::chrono::milliseconds busy_timeout) {
  sqlite3_extended_result_codes(db_, 1);
  for (const int off : {SQLITE_DBCONFIG_DQS_DDL, SQLITE_DBCONFIG_DQS_DML}) {
    sqlite3_db_config(db_, off, 0, nullptr);
  }
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  wait_.limit = busy_timeout.count() > 0 ? busy_timeout
                : read_only_             ? std::chrono::milliseconds(kReaderWait)
                                         : std::chrono::milliseconds(kWriterWait);
  sqlite3_busy_handler(db_, WaitForLock, &wait_);
  if (!read_only_) {
    // The last connection to close would fold in the WAL and sync it: a wait
    // of milliseconds in processes that live for one (architecture: P7).
    sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    int persist = 1;
    sqlite3_file_control(db_, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
  }
}

Status Db::SetPragmas(const OpenOptions& options) {
  // Nothing is mapped: a store that is written over in place (cp, a syncing
  // folder) would end the process that reads it with SIGBUS; read calls fail.
  if (read_only_) return Execute("PRAGMA query_only=ON; PRAGMA mmap_size=0");
  std::string pragmas = "PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA synchronous=";
  pragmas += options.durable ? "FULL" : "NORMAL";
  if (options.bulk) {
    pragmas += "; PRAGMA cache_size=-4000; PRAGMA wal_autocheckpoint=" +
               std::to_string(kBulkCheckpointPages);
  }
  if (options.max_pages > 0) {
    pragmas += "; PRAGMA max_page_count=" + std::to_string(options.max_pages);
  }
  ST_RETURN_IF_ERROR(Execute(pragmas));
  for (const HostName& host : options.hosts) {
    ST_ASSIGN_OR_RETURN(const int64_t known, QueryInt(kHasHost, 0, host.platform));
    if (known == 0) ST_RETURN_IF_ERROR(Run(kAddHost, host.platform, host.title));
  }
  return absl::OkStatus();
}

Status Db::CheckMark(const OpenOptions& options) {
  const StatusOr<int64_t> mark = QueryInt(kApplicationIdSql, 0);
  // The log of a change that was cut off, other than a WAL: somebody was killed before the
  // first table was there. The next writer makes the store; a reader may not tidy up.
  if (!mark.ok() && sqlite3_extended_errcode(db_) == SQLITE_READONLY_ROLLBACK) {
    return Missing(path_);
  }
  ST_RETURN_IF_ERROR(mark.status());
  const int64_t application_id = *mark;
  ST_ASSIGN_OR_RETURN(const int64_t user_version, QueryInt(kUserVersionSql, 0));
  schema_version_ = static_cast<int>(user_version);
  if (application_id != kApplicationId) {
    ST_ASSIGN_OR_RETURN(const int64_t objects, QueryInt(kTableCount, 0));
    if (application_id != 0 || user_version != 0 || objects != 0) {
      // Another process may have made it between these questions, in one piece.
      ST_ASSIGN_OR_RETURN(const int64_t now, QueryInt(kApplicationIdSql, 0));
      return now == kApplicationId ? CheckMark(options) : ForeignStore(path_);
    }
    // An empty file: somebody is about to make the store, or just did not.
    if (options.mode != OpenMode::kCreate) return Missing(path_);
    ST_RETURN_IF_ERROR(CreateSchema(*this));
    schema_version_ = kSchemaVersion;
    return absl::OkStatus();
  }
  if (user_version > kSchemaVersion) {
    ST_ASSIGN_OR_RETURN(const int64_t min_reader, QueryInt(kMinReader, user_version));
    if (read_only_ && min_reader <= kSchemaVersion) return absl::OkStatus();
    return WithSuggestion(
        Fail(kSchemaNewer, "opening the store: {} has schema version {}, this program knows {}",
             path_, user_version, kSchemaVersion),
        "install that version of selftune or a newer one", "selftune version");
  }
  if (read_only_) return absl::OkStatus();
  if (user_version < kSchemaVersion) {
    ST_ASSIGN_OR_RETURN(const MigrateReport report, Migrate(path_));
    schema_version_ = report.to;
  }
  if (options.mode != OpenMode::kCreate) return absl::OkStatus();
  ST_RETURN_IF_ERROR(AddMissingTables(*this));
  return RefreshViews(*this);
}

StatusOr<Cursor> Db::Start(const char* sql, std::span<const internal::Value> values,
                           bool copy_text) {
  Cached& entry = statements_[sql];
  sqlite3_stmt* stmt = entry.stmt;
  const bool cached = !entry.in_use;
  if (stmt == nullptr || !cached) {
    const int code = sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, nullptr);
    if (code != SQLITE_OK) return Error(code, "preparing a statement of the store");
    if (cached) entry.stmt = stmt;
  }
  if (cached) entry.in_use = true;
  Cursor cursor(this, stmt, sql, cached);
  for (size_t i = 0; i < values.size(); ++i) {
    const int code = BindValue(stmt, static_cast<int>(i) + 1, values[i], copy_text);
    if (code != SQLITE_OK) return Error(code, "binding a value");
  }
  return cursor;
}

Status Db::RunValues(const char* sql, std::span<const internal::Value> values) {
  ST_ASSIGN_OR_RETURN(const Cursor cursor, Start(sql, values, /*copy_text=*/false));
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = sqlite3_step(cursor.stmt_);
  if (code == SQLITE_DONE) return absl::OkStatus();
  return Error(code, "writing to the store");
}

StatusOr<int64_t> Db::FirstInt(const char* sql, std::span<const internal::Value> values,
                               int64_t fallback) {
  ST_ASSIGN_OR_RETURN(Cursor cursor, Start(sql, values, /*copy_text=*/false));
  ST_ASSIGN_OR_RETURN(const bool found, cursor.Next());
  return found && !cursor.IsNull(0) ? cursor.Int(0) : fallback;
}

void Db::Return(sqlite3_stmt* stmt, const char* sql, bool cached) {
  if (!cached) {
    sqlite3_finalize(stmt);
    return;
  }
  // Bound text may point to memory of the caller that is about to go.
  sqlite3_reset(stmt);
  sqlite3_clear_bindings(stmt);
  statements_[sql].in_use = false;
}

Status Db::Execute(const std::string& sql) {
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Error(code, "setting up the store");
}

Status Db::Error(int code, std::string_view doing) const {
  if (code == SQLITE_NOMEM || code == SQLITE_IOERR_NOMEM) base::ThrowNoMemory();
  const ErrorCode& kind = CodeFor(code);
  if (kind.name == kStoreBusy.name && wait_.cancelled()) {
    return Fail(kCancelledError, "{} {}: cancelled while another process writes it", doing, path_);
  }
  const char* text = db_ != nullptr && sqlite3_errcode(db_) != SQLITE_OK ? sqlite3_errmsg(db_)
                                                                         : sqlite3_errstr(code);
  Status status = Fail(kind, "{} {}: {}", doing, path_, text);
  if (kind.name == kStoreCorrupt.name) {
    return WithSuggestion(std::move(status), "save what can be read of it; the file is kept",
                          "selftune recover");
  }
  if (kind.name == kStoreFull.name) {
    return WithSuggestion(std::move(status), "free some disk space and try again",
                          "selftune doctor --only disk");
  }
  return status;
}

int64_t Db::last_insert_id() const { return sqlite3_last_insert_rowid(db_); }

int64_t Db::changes() const { return sqlite3_changes64(db_); }

bool Db::in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }

bool Db::Replaced() const {
  int moved = 0;
  return sqlite3_file_control(db_, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
         moved != 0;
}

StatusOr<bool> Db::Has(std::string_view name) {
  ST_ASSIGN_OR_RETURN(const int64_t has, QueryInt(kHasObject, 0, name));
  return has == 1;
}

StatusOr<int64_t> Db::DataVersion() { return QueryInt(kDataVersionSql, 0); }

Status Db::Checkpoint(bool truncate) {
  int code = SQLITE_BUSY;
  if (truncate) {
    // A reader may hold its snapshot for minutes; nobody waits for it here.
    sqlite3_busy_handler(db_, nullptr, nullptr);
    code = sqlite3_wal_checkpoint_v2(db_, "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    sqlite3_busy_handler(db_, WaitForLock, &wait_);
  }
  if ((code & 0xff) == SQLITE_BUSY) {
    code = sqlite3_wal_checkpoint_v2(db_, "main", SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  }
  // A reader in the way is no failure: the next checkpoint takes the rest.
  if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY) return absl::OkStatus();
  return Error(code, "folding in the log of");
}

Status Db::Vacuum() { return Execute("VACUUM"); }

}  // namespace selftune::store
