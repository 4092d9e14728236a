#include "hosts/openclaw/store.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "hosts/common/foreign_store.h"
#include "hosts/common/zstd_text.h"
#include "hosts/openclaw/transcript.h"

namespace selftune::hosts::openclaw {
namespace {

// The host's limit of one event is 4 MiB.
constexpr size_t kMaxEvent = size_t{16} << 20;
constexpr size_t kMaxArchive = size_t{64} << 20;

// Credentials (auth_profile_*) and debugging copies (trajectory_*) are not among them.
constexpr std::array<std::string_view, 6> kTables = {"schema_meta",
                                                     "session_nodes",
                                                     "session_windows",
                                                     "transcript_events",
                                                     "session_transcript_archives",
                                                     "session_transcript_cold_archives"};

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
  Status ReadArchive(ForeignDb& db, Transcript& transcript, std::string_view sql);

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
  if (!db.Has("session_nodes", {"session_key", "current_session_id", "entry_json"})) {
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
      const auto text = ExpandZstd(rows.Bytes(3), kMaxEvent);
      if (text.ok()) {
        ST_RETURN_IF_ERROR(AddEvent(transcript, record, *text, is_new));
      } else {
        AddBadRow(record, Message(text.status()), "decompression");
      }
    } else {
      ST_RETURN_IF_ERROR(AddEvent(transcript, record, rows.Text(2), is_new));
    }
    if (transcript.begun() && !std::exchange(marked, true)) {
      batch().Session(transcript.id()).whole = true;
    }
    ST_RETURN_IF_ERROR(FlushIfFull());
  }
}

// The rest of a session that has an event of tens of megabytes: one by one.
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
    if (rows.Text(2) == "text") {
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
  ST_RETURN_IF_ERROR(row.Next().status());
  const auto text = ExpandZstd(row.Bytes(0), kMaxEvent);
  if (text.ok()) return AddEvent(transcript, record, *text, is_new);
  AddBadRow(record, Message(text.status()), "decompression");
  return absl::OkStatus();
}

// The events of a session that the host put away, as lines in one value.
Status Store::ReadArchive(ForeignDb& db, Transcript& transcript, std::string_view sql) {
  ST_ASSIGN_OR_RETURN(ForeignQuery row, db.Query(sql));
  row.Bind(1, transcript.id());
  db.SetLongest(kMaxForeignBlob);
  const StatusOr<bool> found = row.Next();
  db.SetLongest(kMaxForeignValue);
  ST_RETURN_IF_ERROR(found.status());
  if (!*found || row.Bytes(0).empty()) return absl::OkStatus();
  const std::string name = "archive/" + transcript.id();
  std::string text(row.Bytes(0));
  constexpr std::string_view kMagic = "\x28\xB5\x2F\xFD";
  if (std::string_view(text).starts_with(kMagic)) {
    auto expanded = ExpandZstd(text, kMaxArchive);
    if (!expanded.ok()) {
      AddBadRow(name, Message(expanded.status()), "decompression");
      return absl::OkStatus();
    }
    text = *std::move(expanded);
  }
  int64_t seq = 0;
  bool marked = false;
  for (const std::string_view line : base::Split(text, '\n')) {
    if (base::Trim(line).empty()) continue;
    ST_RETURN_IF_ERROR(AddEvent(transcript, name + "/" + std::to_string(seq++), line, true));
    if (transcript.begun() && !std::exchange(marked, true)) {
      batch().Session(transcript.id()).whole = true;
    }
    ST_RETURN_IF_ERROR(FlushIfFull());
  }
  return absl::OkStatus();
}

Status Store::ReadSession(ForeignDb& db, const std::string& id) {
  ST_ASSIGN_OR_RETURN(std::optional<Window> window, ReadWindow(db, id));
  if (!window.has_value() || window->info.Internal()) return absl::OkStatus();
  Transcript transcript(window->info, options().copied);
  ST_ASSIGN_OR_RETURN(const bool any, ReadEvents(db, transcript));
  if (!any && db.Has("session_transcript_cold_archives", {"session_id", "archive_blob"})) {
    ST_RETURN_IF_ERROR(ReadArchive(
        db, transcript,
        "SELECT archive_blob FROM session_transcript_cold_archives WHERE session_id=?1"));
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
