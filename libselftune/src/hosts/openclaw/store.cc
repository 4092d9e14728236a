#include "hosts/openclaw/store.h"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "base/strings.h"
#include "hosts/common/foreign_store.h"
#include "hosts/common/zstd_bytes.h"
#include "hosts/common/zstd_text.h"
#include "hosts/openclaw/transcript.h"
#include "ingest/line_pump.h"
#include "ingest/long_line.h"

namespace selftune::hosts::openclaw {
namespace {

// The host's limit of one event is 4 MiB.
constexpr size_t kMaxEvent = size_t{16} << 20;
constexpr std::string_view kArchives = "session_transcript_cold_archives";
constexpr std::string_view kArchive = "archive_blob";

// Credentials (auth_profile_*) and debugging copies (trajectory_*) are not among them.
constexpr std::array<std::string_view, 6> kTables = {"schema_meta",
                                                     "session_nodes",
                                                     "session_windows",
                                                     "transcript_events",
                                                     "session_transcript_archives",
                                                     kArchives};

class Store final : public ForeignStore {
 public:
  explicit Store(const ingest::StoreOptions& options) : ForeignStore(options) {}

 private:
  std::span<const std::string_view> Tables() const override { return kTables; }
  StoreSchema Schema(ForeignDb& db) override;
  std::span<const StoreTable> Growing() const override {
    static constexpr std::array<StoreTable, 1> kGrowing = {{{.name = "transcript_events",
                                                             .key = "session_id||'/'||seq",
                                                             .session = "session_id",
                                                             .changed = ""}}};
    return kGrowing;
  }
  StoreTable Sessions() const override {
    return {.name = "session_windows",
            .key = "session_id",
            .session = "session_id",
            .changed = "updated_at"};
  }
  std::string_view SessionOrder() const override { return "created_at"; }
  Status ReadSession(ForeignDb& db, const std::string& id) override;

  struct Window {
    SessionInfo info;
    std::string status;
    std::optional<UtcMillis> ended;
  };
  StatusOr<std::optional<Window>> ReadWindow(ForeignDb& db, const std::string& id);
  Status ReadNode(ForeignDb& db, Window& window);
  StatusOr<std::string> WindowAt(ForeignDb& db, const std::string& key, int64_t at,
                                 const std::string& except);
  Status AddEvent(Transcript& transcript, const std::string& record, std::string_view text,
                  bool is_new);
  StatusOr<bool> ReadEvents(ForeignDb& db, Transcript& transcript);
  Status ReadLongEvents(ForeignDb& db, Transcript& transcript, int64_t after, bool marked);
  Status AddPacked(ForeignDb& db, Transcript& transcript, const std::string& record, int64_t rowid,
                   bool is_new);
  Status AddUnpacked(Transcript& transcript, const std::string& record, std::string_view packed,
                     bool is_new);
  Status ReadArchive(ForeignDb& db, Transcript& transcript);

  class ArchiveLines;

  std::string version_;  // of the program that writes the store today
  int64_t version_since_ = 0;
};

StoreSchema Store::Schema(ForeignDb& db) {
  StoreSchema schema;
  for (const auto& missing :
       {db.Missing("session_windows", {"session_id", "session_key", "created_at", "updated_at"}),
        db.Missing("transcript_events", {"session_id", "seq", "event_json"})}) {
    if (missing.empty()) continue;
    if (!schema.missing.empty()) schema.missing.append(", ");
    schema.missing.append(missing);
  }
  if (!db.Has("schema_meta", {"schema_version", "app_version", "updated_at"})) return schema;
  auto row = db.Query("SELECT schema_version,app_version,updated_at FROM schema_meta LIMIT 1");
  if (row.ok() && row->Next().value_or(false)) {
    schema.version = row->String(0);
    version_ = row->String(1);
    version_since_ = row->Int(2);
  }
  return schema;
}

// The window of a key that was current at that time.
StatusOr<std::string> Store::WindowAt(ForeignDb& db, const std::string& key, int64_t at,
                                      const std::string& except) {
  if (key.empty()) return std::string();
  ST_ASSIGN_OR_RETURN(ForeignQuery rows,
                      db.Query("SELECT session_id FROM session_windows WHERE session_key=?1 AND "
                               "session_id<>?3 ORDER BY created_at>?2, CASE WHEN created_at>?2 "
                               "THEN created_at ELSE -created_at END LIMIT 1"));
  rows.Bind(1, key);
  rows.Bind(2, at);
  rows.Bind(3, except);
  ST_ASSIGN_OR_RETURN(const bool found, rows.Next());
  return found ? rows.String(0) : std::string();
}

StatusOr<std::optional<Store::Window>> Store::ReadWindow(ForeignDb& db, const std::string& id) {
  const auto column = [&](std::string_view name) {
    return db.Has("session_windows", {name}) ? std::string(name) : std::string("NULL");
  };
  ST_ASSIGN_OR_RETURN(
      ForeignQuery row,
      db.Query("SELECT session_key,created_at," + column("hook_external_content_source") + "," +
               column("status") + "," + column("ended_at") + "," + column("spawned_by") + "," +
               column("parent_session_key") + "," + column("previous_session_id") + "," +
               column("reason") + ",updated_at FROM session_windows WHERE session_id=?1"));
  row.Bind(1, id);
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return std::optional<Window>();
  Window window;
  SessionInfo& info = window.info;
  info.id = id;
  info.key = row.String(0);
  if (row.Int(9) >= version_since_) info.host_version = version_;
  info.external = !row.IsNull(2);
  window.status = row.String(3);
  window.ended = row.Time(4);
  info.spawned_by = row.String(5);
  const int64_t created = row.Int(1);
  std::string parent = row.String(6);
  if (row.Text(8) == "fork") info.forked_from = row.String(7);
  ST_RETURN_IF_ERROR(ReadNode(db, window));
  if (info.Kind() == SessionKind::kSubagent) {
    if (parent.empty()) parent = info.spawned_by;
    ST_ASSIGN_OR_RETURN(info.parent_id, WindowAt(db, parent, created, id));
  }
  return std::optional<Window>(std::move(window));
}

// What is kept for the key of the window: it goes for the newest of its windows.
Status Store::ReadNode(ForeignDb& db, Window& window) {
  SessionInfo& info = window.info;
  const std::string missing =
      db.Missing("session_nodes", {"session_key", "current_session_id", "entry_json"});
  if (!missing.empty()) {
    batch().problem =
        fmt::format("reading {}: it has no {}: what its sessions were shown is not known",
                    options().file->path, missing);
    return absl::OkStatus();
  }
  const auto column = [&](std::string_view name) {
    return db.Has("session_nodes", {name}) ? std::string(name) : std::string("NULL");
  };
  ST_ASSIGN_OR_RETURN(ForeignQuery row,
                      db.Query("SELECT current_session_id,entry_json," + column("created_via") +
                               "," + column("spawned_by") + "," + column("fork_source_session_id") +
                               "," + column("archived_at") + "," + column("label") +
                               " FROM session_nodes WHERE session_key=?1"));
  row.Bind(1, info.key);
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return absl::OkStatus();
  info.created_via = row.String(2);
  if (info.spawned_by.empty()) info.spawned_by = row.String(3);
  info.label = row.String(6);
  if (row.Text(0) != info.id) return absl::OkStatus();
  if (info.forked_from.empty()) info.forked_from = row.String(4);
  info.archived = !row.IsNull(5);
  SessionInfo entry;
  // A damaged entry leaves the events as they are.
  if (ReadEntry(Padded(row.Text(1)), parser(), entry).ok() && entry.id == info.id) {
    info.listing_text = std::move(entry.listing_text);
    info.listed = std::move(entry.listed);
  }
  return absl::OkStatus();
}

Status Store::AddEvent(Transcript& transcript, const std::string& record, std::string_view text,
                       bool is_new) {
  const auto known = transcript.Add(Padded(text), {.record = record}, parser(), batch());
  if (!known.ok()) {
    AddBadRow(record, text);
    return absl::OkStatus();
  }
  CountRow(*known, is_new);
  return absl::OkStatus();
}

StatusOr<bool> Store::ReadEvents(ForeignDb& db, Transcript& transcript) {
  const bool packed = db.Has("transcript_events", {"event_zstd"});
  ST_ASSIGN_OR_RETURN(
      ForeignQuery rows,
      db.Query(std::string("SELECT rowid,seq,event_json,") + (packed ? "event_zstd" : "NULL") +
               " FROM transcript_events WHERE session_id=?1 ORDER BY seq"));
  rows.Bind(1, transcript.id());
  const LongestValue limit(db, kMaxShortValue);
  bool any = false, marked = false;
  int64_t last = -1;
  for (;;) {
    const StatusOr<bool> more = rows.Next();
    if (!more.ok() && CodeOf(more.status()).name == kFileTooLarge.name) {
      ST_RETURN_IF_ERROR(ReadLongEvents(db, transcript, last, marked));
      return true;
    }
    ST_RETURN_IF_ERROR(more.status());
    if (!*more) return any;
    any = true;
    last = rows.Int(1);
    const std::string record = "transcript_events/" + transcript.id() + "/" + std::to_string(last);
    const bool is_new = IsNew(0, rows.Int(0));
    if (rows.IsNull(2) && !rows.IsNull(3)) {
      ST_RETURN_IF_ERROR(AddUnpacked(transcript, record, rows.Bytes(3), is_new));
    } else {
      ST_RETURN_IF_ERROR(AddEvent(transcript, record, rows.Text(2), is_new));
    }
    if (transcript.begun() && !std::exchange(marked, true)) {
      batch().Session(transcript.id()).whole = true;
    }
    ST_RETURN_IF_ERROR(FlushIfFull());
  }
}

// The rest of a session that has an event of megabytes: one by one.
Status Store::ReadLongEvents(ForeignDb& db, Transcript& transcript, int64_t after, bool marked) {
  ST_ASSIGN_OR_RETURN(ForeignQuery rows,
                      db.Query("SELECT rowid,seq,typeof(event_json) FROM transcript_events WHERE "
                               "session_id=?1 AND seq>?2 ORDER BY seq"));
  rows.Bind(1, transcript.id());
  rows.Bind(2, after);
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return absl::OkStatus();
    const std::string record =
        "transcript_events/" + transcript.id() + "/" + std::to_string(rows.Int(1));
    const bool is_new = IsNew(0, rows.Int(0));
    if (rows.Text(2) == "text" || rows.Text(2) == "blob") {
      ST_ASSIGN_OR_RETURN(const std::string text,
                          db.LongText("transcript_events", "event_json", rows.Int(0)));
      ST_RETURN_IF_ERROR(AddEvent(transcript, record, text, is_new));
    } else {
      ST_RETURN_IF_ERROR(AddPacked(db, transcript, record, rows.Int(0), is_new));
    }
    if (transcript.begun() && !std::exchange(marked, true)) {
      batch().Session(transcript.id()).whole = true;
    }
    ST_RETURN_IF_ERROR(FlushIfFull());
  }
}

Status Store::AddPacked(ForeignDb& db, Transcript& transcript, const std::string& record,
                        int64_t rowid, bool is_new) {
  if (!db.Has("transcript_events", {"event_zstd"})) {
    return AddEvent(transcript, record, "", is_new);
  }
  ST_ASSIGN_OR_RETURN(ForeignQuery row,
                      db.Query("SELECT event_zstd FROM transcript_events WHERE rowid=?1"));
  row.Bind(1, rowid);
  const LongestValue limit(db, kMaxForeignValue);
  ST_RETURN_IF_ERROR(row.Next().status());
  return AddUnpacked(transcript, record, row.Bytes(0), is_new);
}

Status Store::AddUnpacked(Transcript& transcript, const std::string& record,
                          std::string_view packed, bool is_new) {
  auto text = ExpandZstd(packed, kMaxEvent);
  if (!text.ok()) {
    AddBadRow(record, Message(text.status()), "decompression");
    return absl::OkStatus();
  }
  if (text->size() > kMaxShortValue) {
    text->resize(ingest::LongLine().Squeeze(text->data(), text->size()));
  }
  return AddEvent(transcript, record, *text, is_new);
}

// Lines of an archive as events of its session.
class Store::ArchiveLines final : public ingest::LineReader {
 public:
  ArchiveLines(Store& store, Transcript& transcript, std::string name)
      : store_(store), transcript_(transcript), name_(std::move(name)) {}

  // What AddEvent does not understand is a bad row of its own.
  Status ReadLine(const ingest::Line& line, base::LineParser& /*parser*/,
                  ingest::Batch& /*batch*/) override {
    if (failed_.ok()) failed_ = Add(line.text);
    return absl::OkStatus();
  }
  std::string SaveState() const override { return {}; }

  // Lines that were left out, as rows.
  void AddBad(const ingest::Batch& batch) {
    for (const ingest::BadLine& line : batch.bad_lines) {
      store_.AddBadRow(name_ + "/line " + std::to_string(line.line_no), line.excerpt, line.reason);
    }
  }
  // Why the session cannot be read on.
  [[nodiscard]] const Status& failed() const { return failed_; }

 private:
  Status Add(std::string_view text) {
    const std::string record = name_ + "/" + std::to_string(seq_++);
    ST_RETURN_IF_ERROR(store_.AddEvent(transcript_, record, text, true));
    if (transcript_.begun() && !std::exchange(marked_, true)) {
      store_.batch().Session(transcript_.id()).whole = true;
    }
    return store_.FlushIfFull();
  }

  Store& store_;
  Transcript& transcript_;
  const std::string name_;
  Status failed_;
  int64_t seq_ = 0;
  bool marked_ = false;
};

// The events of a session that the host put away, as lines in one value, which may
// be compressed.
Status Store::ReadArchive(ForeignDb& db, Transcript& transcript) {
  const std::string table(kArchives), column(kArchive);
  ST_ASSIGN_OR_RETURN(
      ForeignQuery row,
      db.Query("SELECT rowid,CASE typeof(" + column + ") WHEN 'blob' THEN length(" + column +
               ") ELSE 0 END FROM " + table + " WHERE session_id=?1 AND typeof(" + column +
               ") IN ('blob','text')"));
  row.Bind(1, transcript.id());
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(auto bytes, db.OpenValue(table, column, row.Int(0)));
  const std::string name = "archive/" + transcript.id();
  constexpr std::string_view kMagic = "\x28\xB5\x2F\xFD";
  std::array<char, kMagic.size()> head{};
  ST_ASSIGN_OR_RETURN(const size_t got, bytes->ReadAt(0, head.data(), head.size()));
  if (std::string_view(head.data(), got) == kMagic) {
    ST_ASSIGN_OR_RETURN(bytes, OpenZstd(std::move(bytes), name, static_cast<uint64_t>(row.Int(1))));
  }
  ArchiveLines lines(*this, transcript, name);
  ingest::PumpBuffer buffer;
  ingest::PumpOptions pump;
  pump.accept_tail = true;
  pump.cancel = options().cancel;
  ST_RETURN_IF_ERROR(ingest::PumpLines(*bytes, pump, lines, buffer,
                                       [&](const ingest::Batch& batch, const ingest::Cursor&) {
                                         lines.AddBad(batch);
                                         return lines.failed();
                                       })
                         .status());
  return absl::OkStatus();
}

Status Store::ReadSession(ForeignDb& db, const std::string& id) {
  ST_ASSIGN_OR_RETURN(std::optional<Window> window, ReadWindow(db, id));
  if (!window.has_value() || window->info.Internal()) return absl::OkStatus();
  Transcript transcript(window->info, options().copied);
  ST_ASSIGN_OR_RETURN(const bool any, ReadEvents(db, transcript));
  if (!any && db.Has(kArchives, {"session_id", kArchive})) {
    ST_RETURN_IF_ERROR(ReadArchive(db, transcript));
  }
  if (!transcript.begun()) return absl::OkStatus();
  transcript.EndRun(window->status, window->ended, batch());
  batch().Session(transcript.id()).finished = true;
  return absl::OkStatus();
}

}  // namespace

std::unique_ptr<ingest::StoreReader> MakeStoreReader(const ingest::StoreOptions& options) {
  return std::make_unique<Store>(options);
}

}  // namespace selftune::hosts::openclaw
