#include "store/spool.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_value.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "base/utf8.h"
#include "store/ingest_writer.h"
#include "store/spool_file.h"
#include "store/spool_lines.h"
#include "store/write_txn.h"

namespace selftune::store {
namespace {

constexpr size_t kLinesPerTxn = 500;
constexpr size_t kBytesPerTxn = size_t{4} << 20;
constexpr int64_t kSettledMs = 60'000;
constexpr int64_t kAbandonedMs = 3'600'000;  // a file that is still being written
constexpr std::string_view kPlatform = "unknown";
constexpr std::string_view kPart = ".jsonl.tmp";

using ApplyFn = absl::FunctionRef<Status(const SpoolRecord& record)>;

constexpr char kSpoolCursor[] = R"sql(
  SELECT source_id,offset,line_no,last_error FROM source_file WHERE platform='unknown' AND path=?1)sql";
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

// How far a file is consumed; no source: it was never read.
struct SpoolCursor {
  SourceId source;
  SpoolPlace at;
  std::string error;  // why it could not be read the last time
};

StatusOr<SpoolCursor> ReadCursor(Db& db, const std::string& path) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kSpoolCursor, path));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return SpoolCursor{};
  return SpoolCursor{row.Key<SourceId>(0),
                     {static_cast<uint64_t>(row.Int(1)), static_cast<uint64_t>(row.Int(2))},
                     row.String(3)};
}

// Paths of the spool whose names end so, by name.
StatusOr<std::vector<std::string>> Files(const std::string& state_dir, std::string_view ending) {
  std::vector<std::string> paths;
  const std::string folder = Folder(state_dir);
  if (!base::Exists(folder)) return paths;
  ST_ASSIGN_OR_RETURN(const std::vector<base::DirEntry> entries, base::ListDir(folder));
  for (const base::DirEntry& entry : entries) {
    if (entry.name.ends_with(ending)) paths.push_back(base::JoinPath(folder, entry.name));
  }
  return paths;
}

bool IsGone(const Status& status) { return CodeOf(status).name == kFileNotFound.name; }

std::string Excerpt(std::string_view line) {
  return base::EscapeControls(base::ToValidUtf8(line.substr(0, 200)));
}

// A file with lines that wait, or with none.
struct SpoolFile {
  std::string path;
  base::FileInfo info;
  SpoolCursor cursor;               // as committed
  std::optional<SpoolLines> lines;  // nullopt: nothing more for now
  int64_t next_at = 0;              // time of the next one
};

// A line in the order in which it is taken.
struct Waiting {
  size_t file = 0;
  int64_t at = 0;
  SpoolText line;
};

// Drains all files.
class Drainer {
 public:
  Drainer(Db& db, UtcMillis now) : db_(db), now_(now) {}

  StatusOr<DrainReport> Run(const std::string& state_dir, ApplyFn apply) {
    ST_ASSIGN_OR_RETURN(const std::vector<std::string> paths, Files(state_dir, ".jsonl"));
    for (const std::string& path : paths) ST_RETURN_IF_ERROR(Look(path));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const std::vector<Waiting> batch, Gather());
      if (batch.empty()) break;
      ST_RETURN_IF_ERROR(TakeIn(batch, apply));
    }
    for (SpoolFile& file : files_) ST_RETURN_IF_ERROR(RemoveIfOld(file));
    ST_ASSIGN_OR_RETURN(const std::vector<std::string> parts, Files(state_dir, kPart));
    for (const std::string& part : parts) ST_RETURN_IF_ERROR(RemovePart(part));
    return std::move(report_);
  }

 private:
  [[nodiscard]] int64_t AgeOf(const base::FileInfo& info) const {
    return now_.value - info.mtime_ns / 1'000'000;
  }

  // Adds the file to those that are drained.
  Status Look(const std::string& path) {
    SpoolFile file{.path = path};
    ST_ASSIGN_OR_RETURN(file.cursor, ReadCursor(db_, path));
    const StatusOr<base::OpenedFile> opened = base::OpenRegular(path);
    if (!opened.ok()) return Trouble(file, opened.status());
    file.info = opened->info;
    if (!file.cursor.error.empty()) ST_RETURN_IF_ERROR(SetError(file, ""));
    if (file.info.size < file.cursor.at.offset) {
      ST_RETURN_IF_ERROR(Forget(file));  // another file of that name
    }
    ST_RETURN_IF_ERROR(GoOn(file));
    files_.push_back(std::move(file));
    return absl::OkStatus();
  }

  // The file cannot be read: it waits, and the others do not.
  Status Trouble(SpoolFile& file, const Status& why) {
    file.lines.reset();
    if (IsGone(why)) return absl::OkStatus();  // somebody else consumed and removed it
    report_.problems.emplace_back(Message(why));
    return file.cursor.error == Message(why) ? absl::OkStatus() : SetError(file, Message(why));
  }

  Status SetError(SpoolFile& file, std::string_view error) {
    ST_ASSIGN_OR_RETURN(WriteTxn txn, WriteTxn::Begin(db_));
    IngestWriter writer(db_, now_);
    ST_ASSIGN_OR_RETURN(file.cursor.source,
                        writer.UpsertSource(kPlatform, "spool", file.path, "spool", 1));
    ST_RETURN_IF_ERROR(writer.SetSourceState(file.cursor.source, "active", error));
    file.cursor.error = error;
    return txn.Commit();
  }

  // From the committed place on.
  Status GoOn(SpoolFile& file) {
    file.next_at = std::numeric_limits<int64_t>::min();
    file.lines.emplace(file.path, file.info.size, AgeOf(file.info) > kSettledMs, file.cursor.at);
    return FindNext(file);
  }

  // What does not say its time comes when those before it in its file came.
  Status FindNext(SpoolFile& file) {
    if (file.lines->at().offset >= file.info.size) {
      file.lines.reset();
      return absl::OkStatus();
    }
    const StatusOr<std::optional<UtcMillis>> at = file.lines->TimeOfNext(window_);
    if (!at.ok()) return Trouble(file, at.status());
    if (at->has_value()) file.next_at = (*at)->value;
    return absl::OkStatus();
  }

  // The next lines of all files, as much as goes into one transaction.
  StatusOr<std::vector<Waiting>> Gather() {
    std::vector<Waiting> batch;
    size_t bytes = 0;
    while (batch.size() < kLinesPerTxn && bytes < kBytesPerTxn) {
      const auto oldest = std::ranges::min_element(files_, {}, [](const SpoolFile& file) {
        return std::pair(!file.lines.has_value(), file.next_at);
      });
      if (oldest == files_.end() || !oldest->lines.has_value()) break;
      StatusOr<std::optional<SpoolText>> line = oldest->lines->Next(window_);
      if (!line.ok()) {
        ST_RETURN_IF_ERROR(Trouble(*oldest, line.status()));
      } else if (!line->has_value()) {
        oldest->lines.reset();
      } else {
        bytes += (*line)->text.size();
        batch.push_back({.file = static_cast<size_t>(oldest - files_.begin()),
                         .at = oldest->next_at,
                         .line = **std::move(line)});
        ST_RETURN_IF_ERROR(FindNext(*oldest));
      }
    }
    return batch;
  }

  // What one transaction takes of a file.
  struct Progress {
    SourceId source;
    SpoolPlace end;
    int64_t records = 0, bad = 0;
  };
  using ByFile = std::map<size_t, Progress>;

  // Lines and the places behind them. A record that cannot be applied takes
  // nothing with it: those before it are applied again without it.
  Status TakeIn(std::span<const Waiting> batch, ApplyFn apply) {
    size_t failed = 0;
    const StatusOr<bool> taken = Commit(batch, apply, failed);
    if (taken.ok() && !*taken) return LookAgain();
    if (!taken.ok() && failed > 0) {
      size_t again = 0;
      ST_RETURN_IF_ERROR(Commit(batch.first(failed), apply, again).status());
    }
    return taken.status();
  }

  // False: another process drained since the look before. `failed`: place in
  // the batch of the line that could not be applied.
  StatusOr<bool> Commit(std::span<const Waiting> batch, ApplyFn apply, size_t& failed) {
    ST_ASSIGN_OR_RETURN(WriteTxn txn, WriteTxn::Begin(db_));
    IngestWriter writer(db_, now_);
    ByFile progress;
    for (const Waiting& waiting : batch) {
      const auto [of_file, first] = progress.try_emplace(waiting.file);
      of_file->second.end = waiting.line.end;
      if (!first) continue;
      const SpoolFile& file = files_[waiting.file];
      ST_ASSIGN_OR_RETURN(const SpoolCursor now, ReadCursor(db_, file.path));
      if (now.at.offset != file.cursor.at.offset) return false;
      ST_ASSIGN_OR_RETURN(of_file->second.source,
                          writer.UpsertSource(kPlatform, "spool", file.path, "spool", 1));
    }
    for (const size_t place : ByTime(batch)) {
      failed = place;
      ST_RETURN_IF_ERROR(One(writer, batch[place].line, apply, progress[batch[place].file]));
    }
    failed = 0;
    for (const auto& [index, of_file] : progress) {
      const base::FileInfo& info = files_[index].info;
      ST_RETURN_IF_ERROR(db_.Run(kMoveCursor, of_file.source, of_file.end.offset,
                                 of_file.end.line_no, info.size, info.mtime_ns,
                                 of_file.records + of_file.bad, of_file.records, now_));
    }
    ST_RETURN_IF_ERROR(txn.Commit());
    for (const auto& [index, of_file] : progress) {
      files_[index].cursor.source = of_file.source;
      files_[index].cursor.at = of_file.end;
      report_.records += of_file.records;
      report_.bad += of_file.bad;
    }
    return true;
  }

  Status LookAgain() {
    for (SpoolFile& file : files_) {
      ST_ASSIGN_OR_RETURN(file.cursor, ReadCursor(db_, file.path));
      ST_RETURN_IF_ERROR(GoOn(file));
    }
    return absl::OkStatus();
  }

  // Writers at once may have come to the file in another order than their time.
  static std::vector<size_t> ByTime(std::span<const Waiting> batch) {
    std::vector<size_t> order(batch.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::stable_sort(order, {}, [&](size_t i) { return batch[i].at; });
    return order;
  }

  static Status One(IngestWriter& writer, const SpoolText& line, ApplyFn apply,
                    Progress& progress) {
    if (line.text.empty()) return absl::OkStatus();
    std::string reason = line.too_long ? "too_long" : "wrong_shape";
    if (!line.too_long) {
      const StatusOr<SpoolRecord> record = Parse(line.text);
      if (record.ok()) {
        const Status applied = apply(*record);
        if (applied.ok()) ++progress.records;
        if (applied.ok() || CodeOf(applied).name != kInvalidRequest.name) return applied;
        reason = Message(applied);
      }
    }
    ++progress.bad;
    const std::string excerpt = Excerpt(line.text);
    return writer.AddBadLine(progress.source, 1,
                             {.offset = line.begin.offset,
                              .line_no = line.begin.line_no + 1,
                              .reason = reason,
                              .excerpt = excerpt});
  }

  Status RemoveIfOld(SpoolFile& file) {
    if (AgeOf(file.info) <= kDayMs || file.cursor.at.offset < file.info.size) {
      return absl::OkStatus();
    }
    const Status removed = base::RemoveFile(file.path);
    if (!removed.ok()) return Trouble(file, removed);
    ++report_.files_removed;
    return Forget(file);
  }

  // The writer of a long record was killed: what it left is counted.
  Status RemovePart(const std::string& path) {
    SpoolFile file{.path = path};
    ST_ASSIGN_OR_RETURN(file.cursor, ReadCursor(db_, path));
    const StatusOr<base::OpenedFile> opened = base::OpenRegular(path);
    if (!opened.ok()) return Trouble(file, opened.status());
    if (AgeOf(opened->info) <= kAbandonedMs) return absl::OkStatus();
    std::string begin(200, '\0');
    ST_ASSIGN_OR_RETURN(const size_t got,
                        base::ReadAt(opened->file.fd(), 0, begin.data(), begin.size(), path));
    begin.resize(got);
    const std::string excerpt = Excerpt(begin);
    {
      ST_ASSIGN_OR_RETURN(WriteTxn txn, WriteTxn::Begin(db_));
      IngestWriter writer(db_, now_);
      ST_ASSIGN_OR_RETURN(file.cursor.source,
                          writer.UpsertSource(kPlatform, "spool", path, "spool", 1));
      ST_RETURN_IF_ERROR(
          writer.AddBadLine(file.cursor.source, 1, {.reason = "cut_off", .excerpt = excerpt}));
      ST_RETURN_IF_ERROR(db_.Run(kForgetSource, file.cursor.source));
      ST_RETURN_IF_ERROR(txn.Commit());
    }
    const Status removed = base::RemoveFile(path);
    if (!removed.ok()) return Trouble(file, removed);
    ++report_.bad;
    ++report_.files_removed;
    return absl::OkStatus();
  }

  Status Forget(SpoolFile& file) {
    ST_ASSIGN_OR_RETURN(WriteTxn txn, WriteTxn::Begin(db_));
    ST_RETURN_IF_ERROR(db_.Run(kForgetSource, file.cursor.source));
    ST_RETURN_IF_ERROR(txn.Commit());
    file.cursor.at = {};
    return absl::OkStatus();
  }

  Db& db_;
  UtcMillis now_;
  std::vector<SpoolFile> files_;
  SpoolWindow window_;
  DrainReport report_;
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
  return Drainer(db, now).Run(state_dir, apply);
}

StatusOr<SpoolDepth> SpoolWaiting(Db& db, const std::string& state_dir) {
  SpoolDepth depth;
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> paths, Files(state_dir, ".jsonl"));
  for (const std::string& path : paths) {
    const StatusOr<base::OpenedFile> opened = base::OpenRegular(path);
    if (!opened.ok()) {
      if (!IsGone(opened.status())) depth.problems.emplace_back(Message(opened.status()));
      continue;
    }
    ST_ASSIGN_OR_RETURN(const SpoolCursor cursor, ReadCursor(db, path));
    if (opened->info.size <= cursor.at.offset) continue;
    ++depth.files;
    depth.bytes += static_cast<int64_t>(opened->info.size - cursor.at.offset);
  }
  return depth;
}

}  // namespace selftune::store
