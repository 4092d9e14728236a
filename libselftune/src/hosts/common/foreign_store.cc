#include "hosts/common/foreign_store.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "hosts/common/raw_text.h"
#include "ingest/source.h"

namespace selftune::hosts {
namespace {

constexpr int kTries = 5;
constexpr std::chrono::milliseconds kPause{60};
constexpr size_t kRecent = 16;
constexpr int kMarks = 8;
constexpr size_t kPadding = 64;
constexpr size_t kMaxPadded = size_t{1} << 20;  // kept between rows
constexpr size_t kExcerptBytes = 200;
constexpr size_t kMaxBad = 2000;
constexpr int kNumberBits = 53;  // of a bad row, exact in JSON

Status EachId(ForeignQuery& rows, std::set<std::string>& out) {
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return absl::OkStatus();
    out.insert(rows.String(0));
  }
}

}  // namespace

// -------------------------------------------------------------------- rows

std::string_view ForeignStore::Padded(std::string_view text) {
  if (padded_.capacity() > kMaxPadded && text.size() < kMaxPadded) padded_ = std::string();
  padded_.assign(text);
  padded_.append(kPadding, ' ');
  return std::string_view(padded_).substr(0, text.size());
}

void ForeignStore::CountRow(bool understood, bool is_new) {
  if (!is_new) return;
  ++batch_.records_seen;
  ++(understood ? batch_.records_used : batch_.records_unknown);
}

void ForeignStore::AddBadRow(const std::string& record, std::string_view text,
                             std::string_view reason) {
  ingest::BadLine& bad = batch_.bad_lines.emplace_back();
  bad.offset = RecordKey(record) >> (64 - kNumberBits);
  if (reason.empty()) reason = base::IsValidUtf8(text) ? "not_json" : "not_utf8";
  bad.reason = reason;
  bad.excerpt = base::EscapeControls(
      base::ToValidUtf8(record + ": " + std::string(text.substr(0, kExcerptBytes))));
  if (state_.has_value() && state_->bad.size() < kMaxBad) {
    state_->bad[session_].push_back(bad.offset);
  }
}

Status ForeignStore::FlushIfFull() {
  if (options_.cancel != nullptr) ST_RETURN_IF_ERROR(options_.cancel->Check());
  return batch_.row_count() < options_.max_rows ? absl::OkStatus() : Flush();
}

// Nothing leaves that does not belong together.
Status ForeignStore::Flush() {
  ST_RETURN_IF_ERROR(db_->CheckUnchanged());
  ingest::Batch full = std::exchange(batch_, ingest::Batch());
  batch_.host_schema = full.host_schema;
  ST_RETURN_IF_ERROR((*flush_)(std::move(full)));
  flushed_ = state_;
  return absl::OkStatus();
}

// ------------------------------------------------------------------- state

std::string ForeignStore::SaveState() const {
  if (!kept_state_.empty() || !options_.only_session.empty()) return kept_state_;
  if (!state_.has_value()) return "";
  base::JsonWriter w;
  w.BeginObject().Field("v", 1).Key("marks").BeginArray();
  for (const std::vector<Mark>& marks : state_->marks) {
    w.BeginArray();
    for (const Mark& mark : marks) w.BeginArray().Int(mark.row).String(mark.key).EndArray();
    w.EndArray();
  }
  w.EndArray().Field("changed", state_->changed).Key("recent").BeginArray();
  for (const auto& [id, sum] : state_->recent) w.BeginArray().String(id).String(sum).EndArray();
  w.EndArray();
  if (state_->first_pass.has_value()) {
    w.Key("pass").BeginArray().Int(state_->first_pass->first);
    w.String(state_->first_pass->second).EndArray();
  }
  if (!state_->bad.empty()) {
    w.Key("bad").BeginArray();
    for (const auto& [id, rows] : state_->bad) {
      w.BeginArray().String(id);
      for (const uint64_t row : rows) w.Int(static_cast<int64_t>(row));
      w.EndArray();
    }
    w.EndArray();
  }
  return std::move(w.EndObject()).Take();
}

std::optional<ForeignStore::State> ForeignStore::LoadState(std::string_view json) const {
  State state;
  const auto value = base::JsonValue::Parse(json);
  if (!value.ok() || (*value)["v"].AsInt() != 1) return std::nullopt;
  for (const base::JsonValue& table : (*value)["marks"].items()) {
    std::vector<Mark>& marks = state.marks.emplace_back();
    for (const base::JsonValue& mark : table.items()) {
      if (mark.items().size() != 2) return std::nullopt;
      marks.push_back({mark.items()[0].AsInt(), mark.items()[1].AsString()});
    }
  }
  state.changed = (*value)["changed"].AsInt();
  for (const base::JsonValue& pair : (*value)["recent"].items()) {
    if (pair.items().size() != 2) return std::nullopt;
    state.recent.emplace_back(pair.items()[0].AsString(), pair.items()[1].AsString());
  }
  const std::vector<base::JsonValue>& pass = (*value)["pass"].items();
  if (pass.size() == 2) state.first_pass.emplace(pass[0].AsInt(), pass[1].AsString());
  for (const base::JsonValue& list : (*value)["bad"].items()) {
    if (list.items().empty()) return std::nullopt;
    std::vector<uint64_t>& rows = state.bad[list.items()[0].AsString()];
    for (size_t i = 1; i < list.items().size(); ++i) {
      rows.push_back(static_cast<uint64_t>(list.items()[i].AsInt()));
    }
  }
  if (state.marks.size() != Growing().size()) return std::nullopt;
  return state;
}

// Rows of the table up to this number are known.
int64_t ForeignStore::Known(size_t table) const {
  const std::vector<Mark>& marks = state_->marks[table];
  return marks.empty() ? 0 : marks.front().row;
}

// Are rows that were newest still there, under the same numbers? A host may
// delete some and give their numbers to others: what lies above the newest that
// is left is new. False when none is left.
StatusOr<bool> ForeignStore::Fits(ForeignDb& db) {
  for (size_t i = 0; i < state_->marks.size(); ++i) {
    std::vector<Mark>& marks = state_->marks[i];
    if (marks.empty()) continue;
    const StoreTable& table = Growing()[i];
    ST_ASSIGN_OR_RETURN(ForeignQuery row, db.Query(fmt::format("SELECT {} FROM {} WHERE rowid=?1",
                                                               table.key, table.name)));
    while (!marks.empty()) {
      row.Reset();
      row.Bind(1, marks.front().row);
      ST_ASSIGN_OR_RETURN(const bool found, row.Next());
      if (found && row.Text(0) == marks.front().key) break;
      marks.erase(marks.begin());
    }
    if (marks.empty()) return false;
  }
  return true;
}

StatusOr<std::string> ForeignStore::SumOf(ForeignDb& db, const std::string& session) const {
  std::string sum;
  for (const StoreTable& table : Growing()) {
    const bool timed = !table.changed.empty() && db.Has(table.name, {table.changed});
    const std::string_view column = timed ? table.changed : std::string_view("rowid");
    ST_ASSIGN_OR_RETURN(
        ForeignQuery row,
        db.Query(fmt::format("SELECT count(*),coalesce(max({0}),0),coalesce(sum({0}%1000003),0) "
                             "FROM {1} WHERE {2}=?1",
                             column, table.name, table.session)));
    row.Bind(1, session);
    ST_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (found) sum.append(fmt::format("{}.{}.{} ", row.Int(0), row.Int(1), row.Int(2)));
  }
  return sum;
}

// The state of a store whose rows are all known; the sums are not there yet.
StatusOr<ForeignStore::State> ForeignStore::LookAt(ForeignDb& db) const {
  State now;
  for (const StoreTable& table : Growing()) {
    std::vector<Mark>& marks = now.marks.emplace_back();
    ST_ASSIGN_OR_RETURN(ForeignQuery rows,
                        db.Query(fmt::format("SELECT rowid,{} FROM {} ORDER BY rowid DESC LIMIT {}",
                                             table.key, table.name, kMarks)));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      marks.push_back({rows.Int(0), rows.String(1)});
    }
  }
  const StoreTable sessions = Sessions();
  ST_ASSIGN_OR_RETURN(
      now.changed,
      db.QueryInt(fmt::format("SELECT max({}) FROM {}", sessions.changed, sessions.name), 0));
  ST_ASSIGN_OR_RETURN(
      ForeignQuery rows,
      db.Query(fmt::format("SELECT {} FROM {} ORDER BY {} DESC,{} LIMIT {}", sessions.key,
                           sessions.name, sessions.changed, sessions.key, kRecent)));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) break;
    now.recent.emplace_back(rows.String(0), "");
  }
  return now;
}

// ------------------------------------------------------------------ reading

// What is to be read, in the store's order: everything, or what the state does
// not know.
StatusOr<std::vector<ForeignStore::Todo>> ForeignStore::FindChanged(ForeignDb& db) const {
  const StoreTable sessions = Sessions();
  std::set<std::string> changed;
  if (state_.has_value()) {
    for (size_t i = 0; i < Growing().size(); ++i) {
      const StoreTable& table = Growing()[i];
      ST_ASSIGN_OR_RETURN(ForeignQuery rows,
                          db.Query(fmt::format("SELECT DISTINCT {} FROM {} WHERE rowid>?1",
                                               table.session, table.name)));
      rows.Bind(1, Known(i));
      ST_RETURN_IF_ERROR(EachId(rows, changed));
    }
    ST_ASSIGN_OR_RETURN(ForeignQuery rows,
                        db.Query(fmt::format("SELECT {} FROM {} WHERE {}>?1", sessions.key,
                                             sessions.name, sessions.changed)));
    rows.Bind(1, state_->changed);
    ST_RETURN_IF_ERROR(EachId(rows, changed));
    for (const auto& [id, sum] : state_->recent) {
      ST_ASSIGN_OR_RETURN(const std::string now, SumOf(db, id));
      if (now != sum) changed.insert(id);
    }
  }
  ST_ASSIGN_OR_RETURN(ForeignQuery rows,
                      db.Query(fmt::format("SELECT {0},{1} FROM {2} ORDER BY {1},{0}", sessions.key,
                                           SessionOrder(), sessions.name)));
  std::vector<Todo> todo;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return todo;
    Todo one{rows.String(0), rows.Int(1), !state_.has_value()};
    if (state_.has_value() && state_->first_pass.has_value()) {
      one.first = std::pair(one.order, one.id) > *state_->first_pass;
    }
    if (one.first || changed.contains(one.id)) todo.push_back(std::move(one));
  }
}

// Rows of sessions that were read now, that were watched before or that changed
// last may still change in place.
Status ForeignStore::Watch(ForeignDb& db, const std::vector<Todo>& todo, State& now) const {
  std::vector<std::string> ids;
  const auto add = [&](const std::string& id) {
    const bool known = std::find(ids.begin(), ids.end(), id) != ids.end();
    if (!known && ids.size() < 2 * kRecent) ids.push_back(id);
  };
  for (size_t i = todo.size(); i-- > 0 && ids.size() < kRecent;) add(todo[i].id);
  for (const auto& [id, sum] : now.recent) add(id);
  if (state_.has_value()) {
    for (const auto& [id, sum] : state_->recent) add(id);
  }
  now.recent.clear();
  for (std::string& id : ids) {
    ST_ASSIGN_OR_RETURN(std::string sum, SumOf(db, id));
    now.recent.emplace_back(std::move(id), std::move(sum));
  }
  return absl::OkStatus();
}

Status ForeignStore::ReadOne(ForeignDb& db, const Todo& todo) {
  session_ = todo.id;
  counted_.clear();
  for (size_t i = 0; i < Growing().size(); ++i) counted_.push_back(todo.first ? 0 : Known(i));
  const auto bad = state_->bad.find(todo.id);
  if (bad != state_->bad.end()) {
    batch_.read_again.insert(batch_.read_again.end(), bad->second.begin(), bad->second.end());
    state_->bad.erase(bad);
  }
  ST_RETURN_IF_ERROR(ReadSession(db, todo.id));
  if (todo.first) state_->first_pass.emplace(todo.order, todo.id);
  return FlushIfFull();
}

Status ForeignStore::ReadChanged(ForeignDb& db) {
  ST_ASSIGN_OR_RETURN(State now, LookAt(db));
  ST_ASSIGN_OR_RETURN(const std::vector<Todo> todo, FindChanged(db));
  ST_RETURN_IF_ERROR(Watch(db, todo, now));
  if (!state_.has_value()) {  // where a pass that breaks off goes on
    state_ = now;
    state_->first_pass.emplace(INT64_MIN, "");
  }
  for (const Todo& one : todo) ST_RETURN_IF_ERROR(ReadOne(db, one));
  now.bad = std::move(state_->bad);
  state_ = std::move(now);
  return Flush();
}

// Loud, and looked at again with the next change: the state stays empty.
Status ForeignStore::SayUnknown(ForeignDb& db, const StoreSchema& schema) {
  state_.reset();
  ST_ASSIGN_OR_RETURN(const int64_t tables,
                      db.QueryInt("SELECT count(*) FROM sqlite_master WHERE type='table'", 0));
  if (tables == 0) return Flush();  // nothing was ever written to it
  for (const std::string_view table : Tables()) {
    if (!db.Has(table)) continue;
    ST_ASSIGN_OR_RETURN(const int64_t rows,
                        db.QueryInt(fmt::format("SELECT count(*) FROM {}", table), 0));
    batch_.records_seen += rows;
    batch_.records_unknown += rows;
  }
  batch_.problem =
      fmt::format("reading {}: its schema{}{} is not known: no {}", options_.file->path,
                  schema.version.empty() ? "" : " ", schema.version, schema.missing);
  if (batch_.host_schema.empty()) batch_.host_schema = "unknown";
  return Flush();
}

Status ForeignStore::ReadOnce() {
  ST_ASSIGN_OR_RETURN(const std::unique_ptr<ForeignDb> db,
                      ForeignDb::Open(options_.file->path, Tables()));
  db_ = db.get();
  const StoreSchema schema = Schema(*db);
  batch_.host_schema = schema.version;
  Status status;
  if (!schema.missing.empty()) {
    status = SayUnknown(*db, schema);
  } else if (!options_.only_session.empty()) {
    session_ = options_.only_session;
    counted_.assign(Growing().size(), INT64_MAX);
    status = ReadSession(*db, session_);
    if (status.ok()) status = Flush();
  } else {
    if (state_.has_value()) {
      ST_ASSIGN_OR_RETURN(const bool fits, Fits(*db));
      if (!fits) state_.reset();
    }
    status = ReadChanged(*db);
  }
  // Pages of two states look like damage.
  if (!status.ok()) ST_RETURN_IF_ERROR(db->CheckUnchanged());
  return status;
}

Status ForeignStore::Read(ingest::StoreFlushFn flush) {
  flush_ = &flush;
  kept_state_.clear();
  if (!options_.only_session.empty()) {
    kept_state_ = options_.saved_state;
  } else {
    state_ = LoadState(options_.saved_state);
  }
  flushed_ = state_;
  for (int attempt = 1;; ++attempt) {
    const Status status = ReadOnce();
    db_ = nullptr;
    if (status.ok() || attempt == kTries) return status;
    const std::string_view code = CodeOf(status).name;
    if (code != kFileChanged.name && code != kStoreBusy.name) return status;
    batch_ = ingest::Batch();
    state_ = flushed_;
    std::this_thread::sleep_for(kPause * attempt);
  }
}

}  // namespace selftune::hosts
