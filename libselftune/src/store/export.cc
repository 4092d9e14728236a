#include "store/export.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "store/column_memory.h"
#include "store/migrate.h"

namespace selftune::store {
namespace {

constexpr size_t kBuffer = 1 << 20;
constexpr int64_t kRowsPerCheck = 1000;
constexpr char kBegin[] = "BEGIN";
constexpr char kEnd[] = "COMMIT";
constexpr char kDatabase[] = "selftune.db";
constexpr char kManifest[] = "manifest.json";

struct Finalize {
  void operator()(sqlite3_stmt* stmt) const { sqlite3_finalize(stmt); }
};
using Stmt = std::unique_ptr<sqlite3_stmt, Finalize>;

// A read transaction: all tables as they were at one moment.
class Snapshot {
 public:
  explicit Snapshot(Db& db) : db_(db) {}
  ~Snapshot() {
    if (!open_) return;
    try {
      const Status status = db_.Run(kEnd);
      (void)status;  // nothing was written
    } catch (...) {
      // No memory for it: closing the connection ends the transaction.
    }
  }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  Status Begin() {
    ST_RETURN_IF_ERROR(db_.Run(kBegin));
    open_ = true;
    return absl::OkStatus();
  }

 private:
  Db& db_;
  bool open_ = false;
};

// Names come from our own schema, never from a request.
StatusOr<Stmt> Prepare(Db& db, const std::string& sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(db.handle(), sql.c_str(), -1, &raw, nullptr);
  if (code != SQLITE_OK) return db.Error(code, "exporting");
  return Stmt(raw);
}

StatusOr<std::set<std::string>> ColumnsOf(Db& db, const std::string& table) {
  ST_ASSIGN_OR_RETURN(const Stmt stmt, Prepare(db, "SELECT * FROM \"" + table + "\" LIMIT 0"));
  std::set<std::string> columns;
  for (int i = 0; i < sqlite3_column_count(stmt.get()); ++i) {
    columns.emplace(internal::ColumnName(stmt.get(), i));
  }
  return columns;
}

// " WHERE ..." that keeps the rows of sessions in the window.
StatusOr<std::string> Condition(Db& db, const std::string& table, const TimeWindow& window) {
  if (!window.from.has_value() && !window.to.has_value()) return std::string();
  ST_ASSIGN_OR_RETURN(const std::set<std::string> columns, ColumnsOf(db, table));
  if (!columns.contains("session_pk")) return std::string();
  const WindowBounds bounds = BoundsOf(window);
  const std::string inside = fmt::format("coalesce(started_ms,0)>={} AND coalesce(started_ms,0)<{}",
                                         bounds.from, bounds.to);
  if (table == "session") return " WHERE " + inside;
  return " WHERE session_pk IN (SELECT session_pk FROM session WHERE " + inside + ")";
}

StatusOr<std::vector<std::string>> ChosenTables(const ExportOptions& options) {
  std::vector<std::string> all = SchemaTables();
  if (options.tables.empty()) return all;
  std::vector<std::string> chosen;
  for (const std::string& table : options.tables) {
    if (!std::binary_search(all.begin(), all.end(), table)) {
      return WithSuggestion(Fail(kInvalidRequest, "exporting: there is no table {}", table),
                            "tables are " + base::Join(all, ", "), "");
    }
    chosen.push_back(table);
  }
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  return chosen;
}

Status CheckOptions(const ExportOptions& options) {
  const bool part =
      !options.tables.empty() || options.window.from.has_value() || options.window.to.has_value();
  if (options.format == ExportFormat::kJsonl || !part) return absl::OkStatus();
  return Fail(kInvalidRequest,
              "exporting as a database: it is always whole; tables, since and "
              "until are for jsonl");
}

Status CheckFolder(const std::string& dir) {
  if (!base::Exists(dir)) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(const auto entries, base::ListDir(dir));
  if (entries.empty()) return absl::OkStatus();
  return WithSuggestion(Fail(kFileExists, "exporting to {}: the folder is not empty", dir),
                        "name a new folder", "");
}

// Bytes go to the file in large pieces and into the hash on their way.
class HashedFile {
 public:
  explicit HashedFile(std::string path) : path_(std::move(path)) {}

  Status Open() {
    const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return Fail(kWriteFailed, "creating {}: {}", path_, strerror(errno));
    file_ = base::FileHandle(fd);
    return absl::OkStatus();
  }
  Status Add(std::string_view bytes) {
    buffer_ += bytes;
    return buffer_.size() < kBuffer ? absl::OkStatus() : Flush();
  }
  // The hash of everything, in hex.
  StatusOr<std::string> Close() {
    ST_RETURN_IF_ERROR(Flush());
    ST_RETURN_IF_ERROR(base::SyncFile(file_.fd(), path_));
    return base::Hex(hash_.Bytes());
  }

 private:
  Status Flush() {
    hash_.Add(buffer_);
    const Status status = base::WriteAll(file_.fd(), buffer_, path_);
    buffer_.clear();
    return status;
  }

  std::string path_;
  base::FileHandle file_;
  std::string buffer_;
  base::Sha256Stream hash_;
};

std::string_view BytesOf(sqlite3_stmt* stmt, int column) {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(stmt, column));
  if (data == nullptr) internal::CheckMemory(stmt);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(stmt, column));
  return data == nullptr ? std::string_view() : std::string_view(data, size);
}

std::string RowJson(sqlite3_stmt* stmt) {
  base::JsonWriter out;
  out.BeginObject();
  for (int i = 0; i < sqlite3_column_count(stmt); ++i) {
    out.Key(internal::ColumnName(stmt, i));
    switch (sqlite3_column_type(stmt, i)) {
      case SQLITE_INTEGER:
        out.Int(sqlite3_column_int64(stmt, i));
        break;
      case SQLITE_FLOAT:
        out.Double(sqlite3_column_double(stmt, i));
        break;
      case SQLITE_NULL:
        out.Null();
        break;
      case SQLITE_BLOB:
        out.BeginObject().Field("hex", base::Hex(BytesOf(stmt, i))).EndObject();
        break;
      default:
        out.String(BytesOf(stmt, i));
        break;
    }
  }
  out.EndObject();
  return std::move(out).Take() + "\n";
}

StatusOr<ExportFile> ExportTable(Db& db, const std::string& dir, const std::string& table,
                                 const ExportOptions& options) {
  ST_ASSIGN_OR_RETURN(const std::string condition, Condition(db, table, options.window));
  ST_ASSIGN_OR_RETURN(const Stmt stmt, Prepare(db, "SELECT * FROM \"" + table + "\"" + condition));
  ExportFile out{.table = table, .path = base::JoinPath(dir, table + ".jsonl"), .sha256 = {}};
  HashedFile file(out.path);
  ST_RETURN_IF_ERROR(file.Open());
  for (;;) {
    const int code = sqlite3_step(stmt.get());
    if (code == SQLITE_DONE) break;
    if (code != SQLITE_ROW) return db.Error(code, "exporting " + table);
    ST_RETURN_IF_ERROR(file.Add(RowJson(stmt.get())));
    if (++out.rows % kRowsPerCheck == 0 && options.cancel != nullptr) {
      ST_RETURN_IF_ERROR(options.cancel->Check());
    }
  }
  ST_ASSIGN_OR_RETURN(out.sha256, file.Close());
  return out;
}

StatusOr<int64_t> CountRows(Db& db, const std::string& table, const TimeWindow& window) {
  ST_ASSIGN_OR_RETURN(const std::string condition, Condition(db, table, window));
  ST_ASSIGN_OR_RETURN(const Stmt stmt,
                      Prepare(db, "SELECT count(*) FROM \"" + table + "\"" + condition));
  const int code = sqlite3_step(stmt.get());
  if (code != SQLITE_ROW) return db.Error(code, "counting " + table);
  return static_cast<int64_t>(sqlite3_column_int64(stmt.get(), 0));
}

// A compact copy made by the database itself, on a connection of its own: the
// shared ones refuse every statement that writes.
StatusOr<ExportFile> ExportDatabase(Db& db, const std::string& dir) {
  ExportFile out{.table = {}, .path = base::JoinPath(dir, kDatabase), .sha256 = {}};
  ST_ASSIGN_OR_RETURN(const std::unique_ptr<Db> source,
                      Db::OpenUnchecked(db.path(), /*read_only=*/true));
  sqlite3_stmt* raw = nullptr;
  int code = sqlite3_prepare_v2(source->handle(), "VACUUM INTO ?1", -1, &raw, nullptr);
  const Stmt stmt(raw);
  if (code == SQLITE_OK) {
    code =
        sqlite3_bind_text64(raw, 1, out.path.data(), out.path.size(), SQLITE_STATIC, SQLITE_UTF8);
    if (code == SQLITE_OK) code = sqlite3_step(raw);
  }
  if (code != SQLITE_DONE) return source->Error(code, "copying the store to " + out.path);
  ::chmod(out.path.c_str(), 0600);
  for (const std::string& table : SchemaTables()) {
    ST_ASSIGN_OR_RETURN(const int64_t rows, CountRows(db, table, {}));
    out.rows += rows;
  }
  base::Sha256Stream hash;
  ST_ASSIGN_OR_RETURN(const base::FileHandle file, base::OpenRead(out.path));
  std::string buffer(kBuffer, '\0');
  for (uint64_t at = 0;;) {
    ST_ASSIGN_OR_RETURN(const size_t n,
                        base::ReadAt(file.fd(), at, buffer.data(), buffer.size(), out.path));
    if (n == 0) break;
    hash.Add(std::string_view(buffer).substr(0, n));
    at += n;
  }
  ST_RETURN_IF_ERROR(base::SyncFile(file.fd(), out.path));
  out.sha256 = base::Hex(hash.Bytes());
  return out;
}

std::string Manifest(const Db& db, const ExportOptions& options, const ExportReport& report,
                     std::optional<UtcMillis> now) {
  base::JsonWriter out;
  out.BeginObject()
      .Field("format", options.format == ExportFormat::kJsonl ? "jsonl" : "sqlite")
      .Field("schema_version", db.schema_version())
      .Field("exported_at", now)
      .Field("since", options.window.from)
      .Field("until", options.window.to)
      .Key("files")
      .BeginArray();
  for (const ExportFile& file : report.files) {
    out.BeginObject().Field("path", base::BaseName(file.path)).Key("table");
    if (file.table.empty()) {
      out.Null();
    } else {
      out.String(file.table);
    }
    out.Field("rows", file.rows).Key("sha256");
    if (file.sha256.empty()) {
      out.Null();
    } else {
      out.String(file.sha256);
    }
    out.EndObject();
  }
  out.EndArray().EndObject();
  return std::move(out).Take();
}

}  // namespace

StatusOr<ExportReport> PlanExport(Db& db, const std::string& dir, const ExportOptions& options) {
  ST_RETURN_IF_ERROR(CheckOptions(options));
  ST_RETURN_IF_ERROR(CheckFolder(dir));
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> tables, ChosenTables(options));
  ExportReport report;
  int64_t total = 0;
  for (const std::string& table : tables) {
    ST_ASSIGN_OR_RETURN(const int64_t rows, CountRows(db, table, options.window));
    total += rows;
    report.files.push_back({table, base::JoinPath(dir, table + ".jsonl"), rows, ""});
  }
  if (options.format == ExportFormat::kSqlite) {
    report.files = {{"", base::JoinPath(dir, kDatabase), total, ""}};
  }
  report.manifest = Manifest(db, options, report, std::nullopt);
  return report;
}

StatusOr<ExportReport> ExportStore(Db& db, const std::string& dir, const ExportOptions& options,
                                   UtcMillis now) {
  ST_RETURN_IF_ERROR(CheckOptions(options));
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> tables, ChosenTables(options));
  ST_RETURN_IF_ERROR(CheckFolder(dir));
  ST_RETURN_IF_ERROR(base::MakeDirs(dir, 0700));
  ExportReport report;
  if (options.format == ExportFormat::kSqlite) {
    ST_ASSIGN_OR_RETURN(ExportFile file, ExportDatabase(db, dir));
    report.files.push_back(std::move(file));
  } else {
    Snapshot snapshot(db);
    ST_RETURN_IF_ERROR(snapshot.Begin());
    for (const std::string& table : tables) {
      ST_ASSIGN_OR_RETURN(ExportFile file, ExportTable(db, dir, table, options));
      report.files.push_back(std::move(file));
    }
  }
  report.manifest = Manifest(db, options, report, now);
  ST_RETURN_IF_ERROR(
      base::WriteFileNew(base::JoinPath(dir, kManifest), report.manifest + "\n", 0600));
  return report;
}

}  // namespace selftune::store
