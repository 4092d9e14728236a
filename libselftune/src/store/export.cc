#include "store/export.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/free_path.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "store/any_statement.h"
#include "store/archive.h"
#include "store/column_memory.h"
#include "store/migrate.h"

namespace selftune::store {
namespace {

using internal::AnyStatement;
using internal::AnyValue;
using internal::BindAny;
using internal::BytesAt;
using internal::PrepareAny;
using internal::Quoted;
using internal::StepAny;

constexpr size_t kBuffer = 1 << 20;
constexpr int64_t kRowsPerCheck = 1000;
constexpr char kBegin[] = "BEGIN";
constexpr char kEnd[] = "COMMIT";
constexpr char kDatabase[] = "selftune.db";
constexpr char kDoing[] = "exporting";

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

StatusOr<std::set<std::string>> ColumnsOf(Db& db, const std::string& table) {
  ST_ASSIGN_OR_RETURN(const AnyStatement stmt,
                      PrepareAny(db, "SELECT * FROM " + Quoted(table) + " LIMIT 0", kDoing));
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

Status CheckFolder(std::string dir) {
  if (!base::Exists(dir)) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(const auto entries, base::ListDir(dir));
  if (entries.empty()) return absl::OkStatus();
  while (dir.size() > 1 && dir.ends_with('/')) dir.pop_back();
  return WithSuggestion(Fail(kFileExists, "exporting to {}: the folder is not empty", dir),
                        "name a new folder",
                        base::JoinCommand({"selftune", "export", base::FreePath(dir, "-")}));
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

// A text that is no UTF-8, and a number that JSON does not know, are objects.
void WriteValue(base::JsonWriter& out, sqlite3_stmt* stmt, int column) {
  switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER:
      out.Int(sqlite3_column_int64(stmt, column));
      return;
    case SQLITE_FLOAT: {
      const double real = sqlite3_column_double(stmt, column);
      if (std::isfinite(real)) {
        out.Double(real);
      } else {
        out.BeginObject().Field("real", real > 0 ? "inf" : "-inf").EndObject();
      }
      return;
    }
    case SQLITE_NULL:
      out.Null();
      return;
    case SQLITE_BLOB:
      out.BeginObject().Field("hex", base::Hex(BytesAt(stmt, column))).EndObject();
      return;
    default: {
      const std::string_view text = BytesAt(stmt, column);
      if (base::IsValidUtf8(text)) {
        out.String(text);
      } else {
        out.BeginObject().Field("text_hex", base::Hex(text)).EndObject();
      }
      return;
    }
  }
}

std::string RowJson(sqlite3_stmt* stmt) {
  base::JsonWriter out;
  out.BeginObject();
  for (int i = 0; i < sqlite3_column_count(stmt); ++i) {
    out.Key(internal::ColumnName(stmt, i));
    WriteValue(out, stmt, i);
  }
  out.EndObject();
  return std::move(out).Take() + "\n";
}

StatusOr<ExportFile> ExportTable(Db& db, const std::string& dir, const std::string& table,
                                 const ExportOptions& options, HashedFile& sums) {
  ST_ASSIGN_OR_RETURN(const std::string condition, Condition(db, table, options.window));
  const std::string doing = "exporting " + table + " of";
  ST_ASSIGN_OR_RETURN(const AnyStatement stmt,
                      PrepareAny(db, "SELECT * FROM " + Quoted(table) + condition, doing));
  ExportFile out{.table = table, .path = base::JoinPath(dir, table + ".jsonl"), .sha256 = {}};
  HashedFile file(out.path);
  ST_RETURN_IF_ERROR(file.Open());
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, StepAny(db, stmt.get(), doing));
    if (!more) break;
    const std::string row = RowJson(stmt.get());
    ST_RETURN_IF_ERROR(file.Add(row));
    ST_RETURN_IF_ERROR(sums.Add(RowSum(row)));
    if (++out.rows % kRowsPerCheck == 0 && options.cancel != nullptr) {
      ST_RETURN_IF_ERROR(options.cancel->Check());
    }
  }
  ST_ASSIGN_OR_RETURN(out.sha256, file.Close());
  return out;
}

StatusOr<int64_t> CountRows(Db& db, const std::string& table, const TimeWindow& window) {
  ST_ASSIGN_OR_RETURN(const std::string condition, Condition(db, table, window));
  return internal::CountOf(db, "SELECT count(*) FROM " + Quoted(table) + condition,
                           "counting " + table + " of");
}

// A compact copy made by the database itself, on a connection of its own: the
// shared ones refuse every statement that writes.
StatusOr<ExportFile> ExportDatabase(Db& db, const std::string& dir) {
  ExportFile out{.table = {}, .path = base::JoinPath(dir, kDatabase), .sha256 = {}};
  ST_ASSIGN_OR_RETURN(const std::unique_ptr<Db> source,
                      Db::OpenUnchecked(db.path(), /*read_only=*/true));
  const std::string doing = "copying to " + out.path + " from";
  ST_ASSIGN_OR_RETURN(const AnyStatement stmt, PrepareAny(*source, "VACUUM INTO ?1", doing));
  const AnyValue path{.type = AnyValue::Type::kText, .bytes = out.path};
  ST_RETURN_IF_ERROR(BindAny(*source, stmt.get(), 1, path));
  ST_RETURN_IF_ERROR(StepAny(*source, stmt.get(), doing).status());
  ::chmod(out.path.c_str(), 0600);
  for (const std::string& table : SchemaTables()) {
    ST_ASSIGN_OR_RETURN(const int64_t rows, CountRows(db, table, {}));
    out.rows += rows;
  }
  ST_ASSIGN_OR_RETURN(out.sha256, FileSha256(out.path));
  ST_ASSIGN_OR_RETURN(const base::FileHandle file, base::OpenRead(out.path));
  ST_RETURN_IF_ERROR(base::SyncFile(file.fd(), out.path));
  return out;
}

std::string Manifest(const Db& db, const ExportOptions& options, const ExportReport& report,
                     std::optional<UtcMillis> now) {
  base::JsonWriter out;
  out.BeginObject()
      .Field("format_version", kArchiveFormat)
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

Status ExportTables(Db& db, const std::string& dir, const std::vector<std::string>& tables,
                    const ExportOptions& options, ExportReport& report) {
  Snapshot snapshot(db);
  ST_RETURN_IF_ERROR(snapshot.Begin());
  HashedFile sums(base::JoinPath(dir, std::string(kRowSums)));
  ST_RETURN_IF_ERROR(sums.Open());
  for (const std::string& table : tables) {
    ST_ASSIGN_OR_RETURN(ExportFile file, ExportTable(db, dir, table, options, sums));
    report.files.push_back(std::move(file));
  }
  return sums.Close().status();
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
    ST_RETURN_IF_ERROR(ExportTables(db, dir, tables, options, report));
  }
  report.manifest = Manifest(db, options, report, now);
  ST_RETURN_IF_ERROR(base::WriteFileNew(base::JoinPath(dir, std::string(kManifestName)),
                                        report.manifest + "\n", 0600));
  return report;
}

}  // namespace selftune::store
