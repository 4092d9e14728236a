#include "store/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "store/ingest_writer.h"
#include "store/write_txn.h"

namespace selftune::store {
namespace {

constexpr size_t kMaxAppend = 64 << 10;  // one write(2) of this size is not torn apart
constexpr uint64_t kMaxFile = uint64_t{256} << 20;
constexpr size_t kRecordsPerTxn = 500;
constexpr int64_t kDayMs = 86'400'000;
constexpr std::string_view kPlatform = "unknown";

using ApplyFn = absl::FunctionRef<Status(const SpoolRecord& record)>;

constexpr char kSpoolCursor[] = R"sql(
  SELECT source_id,offset,line_no FROM source_file WHERE platform='unknown' AND path=?1)sql";
constexpr char kMoveCursor[] = R"sql(
  UPDATE source_file SET offset=?2, line_no=?3, size=?4, mtime_ns=?5, records_seen=records_seen+?6,
    records_used=records_used+?7, last_read_ms=?8 WHERE source_id=?1)sql";
constexpr char kForgetSource[] =
    R"sql(UPDATE source_file SET state='missing' WHERE source_id=?1)sql";

std::string Folder(const std::string& state_dir) { return base::JoinPath(state_dir, "spool"); }

std::string LineOf(const SpoolRecord& record) {
  base::JsonWriter out;
  out.BeginObject()
      .Field("v", 1)
      .Field("id", record.id)
      .Field("kind", record.kind)
      .Field("at_ms", record.at.value)
      .Key("payload")
      .Raw(record.payload.empty() ? "{}" : record.payload)
      .EndObject();
  std::string line = std::move(out).Take();
  line.push_back('\n');
  return line;
}

Status AppendLine(const std::string& path, std::string_view line) {
  const base::FileHandle file(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid()) {
    return Fail(kWriteFailed, "appending to {}: {}", path, std::strerror(errno));
  }
  const ssize_t wrote = write(file.fd(), line.data(), line.size());
  if (wrote == static_cast<ssize_t>(line.size())) return absl::OkStatus();
  const ErrorCode& code = wrote < 0 && errno != ENOSPC ? kWriteFailed : kDiskFull;
  return Fail(code, "appending to {}: {}", path, wrote < 0 ? std::strerror(errno) : "short write");
}

StatusOr<SpoolRecord> Parse(std::string_view line) {
  ST_ASSIGN_OR_RETURN(const base::JsonValue value, base::JsonValue::Parse(line));
  const bool complete = value["id"].is_string() && value["kind"].is_string() &&
                        value["at_ms"].is_int() && value["payload"].is_object();
  if (value["v"].AsInt() != 1 || !complete) {
    return Fail(kInvalidRequest, "reading a spooled record: fields are missing");
  }
  return SpoolRecord{.id = value["id"].AsString(),
                     .kind = value["kind"].AsString(),
                     .at = UtcMillis{value["at_ms"].AsInt()},
                     .payload = value["payload"].ToJson()};
}

struct SpoolCursor {
  SourceId source;
  uint64_t offset = 0, line_no = 0;
};

StatusOr<SpoolCursor> ReadCursor(Db& db, const std::string& path) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kSpoolCursor, path));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return SpoolCursor{};
  return SpoolCursor{row.Key<SourceId>(0), static_cast<uint64_t>(row.Int(1)),
                     static_cast<uint64_t>(row.Int(2))};
}

// The spool files, oldest first.
StatusOr<std::vector<std::string>> Files(const std::string& state_dir) {
  std::vector<std::string> paths;
  const std::string folder = Folder(state_dir);
  if (!base::Exists(folder)) return paths;
  ST_ASSIGN_OR_RETURN(const std::vector<base::DirEntry> entries, base::ListDir(folder));
  for (const base::DirEntry& entry : entries) {
    if (entry.maybe_file && entry.name.ends_with(".jsonl")) {
      paths.push_back(base::JoinPath(folder, entry.name));
    }
  }
  return paths;
}

// Drains one file.
class Drainer {
 public:
  Drainer(Db& db, std::string path, UtcMillis now, DrainReport& report)
      : db_(db), path_(std::move(path)), now_(now), report_(report) {}

  Status Run(ApplyFn apply) {
    ST_ASSIGN_OR_RETURN(cursor_, ReadCursor(db_, path_));
    ST_ASSIGN_OR_RETURN(info_, base::Stat(path_));
    if (info_.size > cursor_.offset) {
      ST_ASSIGN_OR_RETURN(const std::string bytes, base::ReadFile(path_, kMaxFile));
      while (Pending(bytes)) ST_RETURN_IF_ERROR(Batch(bytes, apply));
    }
    return RemoveIfOld();
  }

 private:
  [[nodiscard]] bool Pending(std::string_view bytes) const {
    return bytes.find('\n', cursor_.offset) != bytes.npos;
  }

  // Some records and the place behind them. A record that cannot be applied
  // takes nothing with it: those before it are applied again without it.
  Status Batch(std::string_view bytes, ApplyFn apply) {
    size_t done = 0;
    const Status status = Commit(bytes, apply, kRecordsPerTxn, done);
    if (!status.ok() && done > 0) {
      const size_t good = done;
      ST_RETURN_IF_ERROR(Commit(bytes, apply, good, done));
    }
    return status;
  }

  // At most `limit` records in one transaction; `done` counts those before the
  // first failure.
  Status Commit(std::string_view bytes, ApplyFn apply, size_t limit, size_t& done) {
    ST_ASSIGN_OR_RETURN(WriteTxn txn, WriteTxn::Begin(db_));
    IngestWriter writer(db_, now_);
    SpoolCursor at = cursor_;
    if (!at.source) {
      ST_ASSIGN_OR_RETURN(at.source, writer.UpsertSource(kPlatform, "spool", path_, "spool", 1));
    }
    DrainReport batch;
    for (done = 0; done < limit; ++done) {
      const size_t end = bytes.find('\n', at.offset);
      if (end == bytes.npos) break;
      ST_RETURN_IF_ERROR(One(writer, at, bytes.substr(at.offset, end - at.offset), apply, batch));
      at.offset = end + 1;
      ++at.line_no;
    }
    ST_RETURN_IF_ERROR(db_.Run(kMoveCursor, at.source, at.offset, at.line_no, info_.size,
                               info_.mtime_ns, batch.records + batch.bad, batch.records, now_));
    ST_RETURN_IF_ERROR(txn.Commit());
    cursor_ = at;
    report_.records += batch.records;
    report_.bad += batch.bad;
    return absl::OkStatus();
  }

  static Status One(IngestWriter& writer, const SpoolCursor& at, std::string_view line,
                    ApplyFn apply, DrainReport& batch) {
    const StatusOr<SpoolRecord> record = Parse(line);
    if (record.ok()) {
      ++batch.records;
      return apply(*record);
    }
    ++batch.bad;
    const std::string excerpt = base::EscapeControls(base::ToValidUtf8(line.substr(0, 200)));
    return writer.AddBadLine(at.source, 1,
                             {.offset = at.offset,
                              .line_no = at.line_no + 1,
                              .reason = "wrong_shape",
                              .excerpt = excerpt});
  }

  Status RemoveIfOld() {
    const bool old = now_.value - info_.mtime_ns / 1'000'000 > kDayMs;
    if (!old || cursor_.offset < info_.size) return absl::OkStatus();
    ST_RETURN_IF_ERROR(base::RemoveFile(path_));
    ++report_.files_removed;
    ST_ASSIGN_OR_RETURN(WriteTxn txn, WriteTxn::Begin(db_));
    ST_RETURN_IF_ERROR(db_.Run(kForgetSource, cursor_.source));
    return txn.Commit();
  }

  Db& db_;
  std::string path_;
  UtcMillis now_;
  DrainReport& report_;
  SpoolCursor cursor_;
  base::FileInfo info_;
};

}  // namespace

Status SpoolAppend(const std::string& state_dir, const SpoolRecord& record) {
  const std::string folder = Folder(state_dir);
  ST_RETURN_IF_ERROR(base::MakeDirs(folder, 0700));
  const std::string line = LineOf(record);
  const std::string day = FormatRfc3339(record.at).substr(0, 10);
  if (line.size() <= kMaxAppend) return AppendLine(base::JoinPath(folder, day + ".jsonl"), line);
  const std::string own = day + "-" + base::Sha256Hex(record.id).substr(0, 16) + ".jsonl";
  return base::WriteFileAtomic(base::JoinPath(folder, own), line, 0600);
}

StatusOr<DrainReport> SpoolDrain(Db& db, const std::string& state_dir, UtcMillis now,
                                 absl::FunctionRef<Status(const SpoolRecord& record)> apply) {
  DrainReport report;
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> paths, Files(state_dir));
  for (const std::string& path : paths) {
    ST_RETURN_IF_ERROR(Drainer(db, path, now, report).Run(apply));
  }
  return report;
}

StatusOr<SpoolDepth> SpoolWaiting(Db& db, const std::string& state_dir) {
  SpoolDepth depth;
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> paths, Files(state_dir));
  for (const std::string& path : paths) {
    ST_ASSIGN_OR_RETURN(const base::FileInfo info, base::Stat(path));
    ST_ASSIGN_OR_RETURN(const SpoolCursor cursor, ReadCursor(db, path));
    if (info.size <= cursor.offset) continue;
    ++depth.files;
    depth.bytes += static_cast<int64_t>(info.size - cursor.offset);
  }
  return depth;
}

}  // namespace selftune::store
