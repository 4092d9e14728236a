#include "store/spool.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_value.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "store/ingest_writer.h"
#include "store/spool_file.h"
#include "store/write_txn.h"

namespace selftune::store {
namespace {

constexpr uint64_t kMaxFile = uint64_t{256} << 20;
constexpr size_t kRecordsPerTxn = 500;
constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kSettledMs = 60'000;
constexpr std::string_view kPlatform = "unknown";

using ApplyFn = absl::FunctionRef<Status(const SpoolRecord& record)>;

constexpr char kSpoolCursor[] = R"sql(
  SELECT source_id,offset,line_no FROM source_file WHERE platform='unknown' AND path=?1)sql";
constexpr char kMoveCursor[] = R"sql(
  UPDATE source_file SET state='active', offset=?2, line_no=?3, size=?4, mtime_ns=?5, records_seen=records_seen+?6,
    records_used=records_used+?7, last_read_ms=?8 WHERE source_id=?1)sql";
constexpr char kForgetSource[] =
    R"sql(UPDATE source_file SET state='missing', offset=0, line_no=0, size=0 WHERE source_id=?1)sql";

std::string Folder(const std::string& state_dir) { return base::JoinPath(state_dir, "spool"); }

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
    if (info_.size < cursor_.offset) ST_RETURN_IF_ERROR(Forget());  // another file of that name
    settled_ = now_.value - info_.mtime_ns / 1'000'000 > kSettledMs;
    if (info_.size > cursor_.offset) {
      ST_ASSIGN_OR_RETURN(const std::string bytes, base::ReadFile(path_, kMaxFile));
      while (Pending(bytes)) ST_RETURN_IF_ERROR(Batch(bytes, apply));
    }
    return RemoveIfOld();
  }

 private:
  // A last line without its end belongs to a writer at work, or to one that
  // was cut short: nobody writes for so long.
  [[nodiscard]] size_t LineEnd(std::string_view bytes, size_t begin) const {
    const size_t end = bytes.find('\n', begin);
    return end == bytes.npos && settled_ && begin < bytes.size() ? bytes.size() : end;
  }
  [[nodiscard]] bool Pending(std::string_view bytes) const {
    return LineEnd(bytes, cursor_.offset) != bytes.npos;
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
    // Another process may have drained since the look before.
    ST_ASSIGN_OR_RETURN(SpoolCursor at, ReadCursor(db_, path_));
    if (at.offset > bytes.size()) {
      cursor_ = at;
      return absl::OkStatus();
    }
    if (!at.source) {
      ST_ASSIGN_OR_RETURN(at.source, writer.UpsertSource(kPlatform, "spool", path_, "spool", 1));
    }
    DrainReport batch;
    for (done = 0; done < limit; ++done) {
      const size_t end = LineEnd(bytes, at.offset);
      if (end == bytes.npos) break;
      ST_RETURN_IF_ERROR(One(writer, at, bytes.substr(at.offset, end - at.offset), apply, batch));
      at.offset = std::min(end + 1, bytes.size());
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
    if (line.empty()) return absl::OkStatus();
    std::string reason = "wrong_shape";
    const StatusOr<SpoolRecord> record = Parse(line);
    if (record.ok()) {
      const Status applied = apply(*record);
      if (applied.ok()) ++batch.records;
      if (applied.ok() || CodeOf(applied).name != kInvalidRequest.name) return applied;
      reason = Message(applied);
    }
    ++batch.bad;
    const std::string excerpt = base::EscapeControls(base::ToValidUtf8(line.substr(0, 200)));
    return writer.AddBadLine(
        at.source, 1,
        {.offset = at.offset, .line_no = at.line_no + 1, .reason = reason, .excerpt = excerpt});
  }

  Status RemoveIfOld() {
    const bool old = now_.value - info_.mtime_ns / 1'000'000 > kDayMs;
    if (!old || cursor_.offset < info_.size) return absl::OkStatus();
    ST_RETURN_IF_ERROR(base::RemoveFile(path_));
    ++report_.files_removed;
    return Forget();
  }

  Status Forget() {
    ST_ASSIGN_OR_RETURN(WriteTxn txn, WriteTxn::Begin(db_));
    ST_RETURN_IF_ERROR(db_.Run(kForgetSource, cursor_.source));
    ST_RETURN_IF_ERROR(txn.Commit());
    cursor_.offset = cursor_.line_no = 0;
    return absl::OkStatus();
  }

  Db& db_;
  std::string path_;
  UtcMillis now_;
  DrainReport& report_;
  SpoolCursor cursor_;
  base::FileInfo info_;
  bool settled_ = false;
};

}  // namespace

Status SpoolAppend(const std::string& state_dir, const SpoolRecord& record) {
  ST_RETURN_IF_ERROR(base::MakeDirs(Folder(state_dir), 0700));
  const std::string name = base::Sha256Hex(record.id).substr(0, 16);
  const std::string line = SpoolLine(record.id, record.kind, record.at, record.payload);
  const int error = AppendToSpool(state_dir, record.at, name, line);
  if (error == 0) return absl::OkStatus();
  return Fail(error == ENOSPC ? kDiskFull : kWriteFailed, "appending to {}: {}", Folder(state_dir),
              std::strerror(error));
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
