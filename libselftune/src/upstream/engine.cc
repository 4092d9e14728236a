#include "upstream/engine.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "store/import_rows.h"
#include "upstream/news.h"
#include "upstream/row_text.h"

namespace selftune::upstream {
namespace {

using store::LooseRow;
using store::LooseValue;
using store::QuoteName;

// As of everybody who writes much: others get their turn in between.
constexpr int64_t kMaxRows = 2000;
constexpr auto kMaxTime = std::chrono::milliseconds(200);

constexpr std::string_view kRowId = "_st_rowid";
constexpr std::string_view kPlace = "_st_id";  // of a scratch table: where the row was read
constexpr std::string_view kLog = "_st_log";

// The name by which SQL asks for a row's number: one that no column has.
std::string_view RowIdOf(const SourceTable& table) {
  for (const std::string_view name : {"rowid", "_rowid_", "oid"}) {
    if (!table.Has(name)) return name;
  }
  return "rowid";
}

std::string SelectFrom(const SourceTable& table) {
  const std::string name = QuoteName(table.name);
  if (!table.shape.has_rowid) return fmt::format("SELECT * FROM {}", name);
  return fmt::format("SELECT {}.{} AS \"{}\", * FROM {}", name, RowIdOf(table), kRowId, name);
}

std::string OrderOf(const SourceTable& table) {
  if (!table.shape.has_rowid) return {};
  return fmt::format(" ORDER BY {}.{}", QuoteName(table.name), RowIdOf(table));
}

// A value of a key; no two are spelled alike. Ordinary text is as it is.
std::string KeyText(const LooseValue& value) {
  if (value.is_number()) return value.AsText();
  const bool text = value.type == LooseValue::Type::kText && base::IsValidUtf8(value.bytes);
  if (!text) return fmt::format("x'{}'{}", base::Hex(value.bytes), static_cast<int>(value.type));
  const bool plain = !value.bytes.empty() && !value.AsReal().has_value() &&
                     std::string_view("\"[x").find(value.bytes[0]) == std::string_view::npos &&
                     !value.bytes.starts_with("rowid ");
  return plain ? value.bytes : base::JsonQuote(value.bytes);
}

// What tells the row from all others of its table, also after it was copied.
std::string IdOf(const SourceTable& table, const LooseRow& row) {
  if (row.Has(kPlace)) return row.Text(kPlace);
  std::vector<std::string> parts;
  for (const std::string& column : table.shape.key) {
    const LooseValue& value = row[column];
    if (value.is_null()) return "rowid " + row.Text(kRowId);
    parts.push_back(KeyText(value));
  }
  if (parts.empty()) return "rowid " + row.Text(kRowId);
  if (parts.size() == 1) return parts[0];
  std::string id = "[";
  for (const std::string& part : parts) id += (id.size() == 1 ? "" : ",") + base::JsonQuote(part);
  return id + "]";
}

// Fills in what a row's values say.
void Name(SourceRow& out, LooseRow row) {
  out.table = row.Has(kLog) ? "log:" + row.Text(kLog) : out.from->name;
  out.id = IdOf(*out.from, row);
  out.row = std::move(row);
}

}  // namespace

bool SourceTable::Has(std::string_view column) const {
  return std::ranges::find(shape.columns, column) != shape.columns.end();
}

bool SourceTable::HasPlace() const {
  const auto is_in = [&](const auto& names) {
    return std::ranges::find(names, name) != std::end(names);
  };
  if (is_in(kSessionTables)) return Has("session_id");
  return is_in(kHistoryTables) && (!name.starts_with("evolution_") || Has("proposal_id"));
}

bool RowAt::Unchanged() const {
  if (!known.has_value() || known->digest != digest) return false;
  return known->verdict != ImportVerdict::kKept || !from->HasPlace();
}

Engine::Engine(store::Db& db, store::LooseDb& source, std::string origin, EngineOptions options)
    : db_(db),
      source_(source),
      ledger_(db, std::move(origin)),
      options_(std::move(options)),
      writer_(std::make_unique<store::IngestWriter>(db, options_.now)) {}

Status Engine::Load() {
  ST_ASSIGN_OR_RETURN(std::vector<store::LooseTable> tables, source_.Tables());
  for (store::LooseTable& table : tables) {
    std::string name = table.name;
    tables_.emplace(name, SourceTable{name, std::move(table)});
  }
  int n = 0;
  const auto index = [&](std::string_view name, std::string_view column) -> Status {
    const SourceTable* table = Table(name);
    if (table == nullptr || !table->Has(column)) return absl::OkStatus();
    return source_.Execute(fmt::format("CREATE INDEX IF NOT EXISTS \"_st_index_{}\" ON {}({})", n++,
                                       QuoteName(name), QuoteName(column)));
  };
  for (const std::string_view name : kSessionTables) {
    ST_RETURN_IF_ERROR(index(name, "session_id"));
  }
  for (const std::string_view name : kHistoryTables) {
    ST_RETURN_IF_ERROR(index(name, "proposal_id"));
  }
  return absl::OkStatus();
}

const SourceTable* Engine::Table(std::string_view name) const {
  const auto found = tables_.find(name);
  return found != tables_.end() ? &found->second : nullptr;
}

StatusOr<SourceRow> Engine::Read(const SourceTable& table, LooseRow row) {
  SourceRow out;
  out.from = &table;
  out.number = row[kRowId].AsInt().value_or(0);
  if (!table.shape.has_rowid) {
    for (const std::string& column : table.shape.key) out.key.push_back(row[column]);
  }
  if (digests_) out.digest = DigestOf(row);
  Name(out, std::move(row));
  ST_ASSIGN_OR_RETURN(out.known, ledger_.Find(out.table, out.id));
  return out;
}

StatusOr<SourceRow> Engine::Load(const RowAt& at) {
  std::string sql = SelectFrom(*at.from) + " WHERE ";
  std::vector<LooseValue> values = at.key;
  if (at.from->shape.has_rowid) {
    sql += fmt::format("{}.{}=?1", QuoteName(at.from->name), RowIdOf(*at.from));
    values = {LooseValue::Int(at.number)};
  } else {
    for (size_t i = 0; i < values.size(); ++i) {
      sql +=
          fmt::format("{}{}=?{}", i == 0 ? "" : " AND ", QuoteName(at.from->shape.key[i]), i + 1);
    }
  }
  ST_ASSIGN_OR_RETURN(store::LooseQuery* const query, Prepared(sql));
  ST_RETURN_IF_ERROR(query->Bind(values));
  ST_ASSIGN_OR_RETURN(const bool found, query->Next());
  if (!found) return Fail(kInternal, "reading a row of {} again: it is gone", at.from->name);
  SourceRow out;
  static_cast<RowAt&>(out) = at;
  Name(out, query->Row());
  // Behind its row a statement holds nothing of it.
  ST_RETURN_IF_ERROR(query->Next().status());
  return out;
}

StatusOr<store::LooseQuery*> Engine::Prepared(const std::string& sql) {
  auto query = queries_.find(sql);
  if (query == queries_.end()) {
    ST_ASSIGN_OR_RETURN(store::LooseQuery made, source_.Query(sql));
    query = queries_.emplace(sql, std::move(made)).first;
  }
  return &query->second;
}

StatusOr<std::vector<SourceRow>> Engine::RowsWhere(std::string_view name, std::string_view column,
                                                   const LooseValue& value) {
  std::vector<SourceRow> out;
  ST_RETURN_IF_ERROR(EachWhere(name, column, value, [&](SourceRow row) {
    out.push_back(std::move(row));
    return absl::OkStatus();
  }));
  return out;
}

Status Engine::EachWhere(std::string_view name, std::string_view column, const LooseValue& value,
                         const std::function<Status(SourceRow row)>& each) {
  const SourceTable* table = Table(name);
  if (table == nullptr || !table->Has(column)) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(store::LooseQuery* const query,
                      Prepared(fmt::format("{} WHERE {}=?1{}", SelectFrom(*table),
                                           QuoteName(column), OrderOf(*table))));
  ST_RETURN_IF_ERROR(query->Bind({value}));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, query->Next());
    if (!more) return absl::OkStatus();
    ST_ASSIGN_OR_RETURN(SourceRow row, Read(*table, query->Row()));
    ST_RETURN_IF_ERROR(each(std::move(row)));
  }
}

Status Engine::ForEach(std::string_view name, std::string_view where,
                       const std::function<Status(SourceRow row)>& each) {
  const SourceTable* table = Table(name);
  if (table == nullptr) return absl::OkStatus();
  const std::string filter = where.empty() ? "" : fmt::format(" WHERE {}", where);
  ST_ASSIGN_OR_RETURN(store::LooseQuery query,
                      source_.Query(SelectFrom(*table) + filter + OrderOf(*table)));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, query.Next());
    if (!more) return absl::OkStatus();
    ST_ASSIGN_OR_RETURN(SourceRow row, Read(*table, query.Row()));
    ST_RETURN_IF_ERROR(each(std::move(row)));
  }
}

Status Engine::CheckCancel() const {
  return options_.cancel != nullptr ? options_.cancel->Check() : absl::OkStatus();
}

Status Engine::Begin() {
  ST_RETURN_IF_ERROR(CheckCancel());
  if (txn_.has_value()) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db_));
  txn_.emplace(std::move(txn));
  db_.Touch(store::kTopicEvidence);
  in_txn_ = 0;
  begun_ = std::chrono::steady_clock::now();
  return absl::OkStatus();
}

Status Engine::Commit(bool force) {
  if (!txn_.has_value()) return absl::OkStatus();
  const bool enough = in_txn_ >= kMaxRows || std::chrono::steady_clock::now() - begun_ >= kMaxTime;
  if (!force && !enough) return absl::OkStatus();
  const Status done = txn_->Commit();
  txn_.reset();
  if (done.ok()) written_ += in_txn_;
  in_txn_ = 0;
  return done;
}

void Engine::Rollback() {
  txn_.reset();
  in_txn_ = 0;
}

Status Engine::Record(const SourceRow& row, const Fate& fate) {
  const bool known = row.known.has_value();
  // What was imported once stays so: seen again, our row is the one it made.
  const bool again = known && row.known->verdict == ImportVerdict::kImported &&
                     row.known->dst == fate.dst && fate.verdict == ImportVerdict::kMerged;
  const ImportVerdict verdict = again ? ImportVerdict::kImported : fate.verdict;
  if (row.Unchanged() && row.known->verdict == verdict && row.known->dst == fate.dst) {
    return absl::OkStatus();  // its note may say more than could be said now
  }
  // Our row may still say what another one, or this one before it changed, said.
  ST_ASSIGN_OR_RETURN(const bool forgotten, IsForgotten(row));
  if (forgotten || fate.forgotten) return Put(row, verdict, fate, "");
  const bool all =
      fate.whole || known || verdict == ImportVerdict::kKept || verdict == ImportVerdict::kRejected;
  return Put(row, verdict, fate,
             all ? WholeNote(row.row) : LeftNote(row.row, fate.carried, fate.spoiled));
}

// Of a session by the rows of sessions, of others by the id that they name.
StatusOr<bool> Engine::IsForgotten(const SourceRow& row) {
  ST_ASSIGN_OR_RETURN(const bool any, writer_->AnyForgotten());
  if (!any) return false;
  store::SessionPk session = told_of_;
  if (!session && row.row.Has("session_id")) {
    ST_ASSIGN_OR_RETURN(const store::ImportSession named,
                        store::FindImportSession(db_, "unknown", TextOf(row.row["session_id"])));
    session = named.pk;
  }
  if (!session) return false;
  std::optional<UtcMillis> at;
  for (const std::string_view column : {"occurred_at", "timestamp", "started_at"}) {
    if (!at.has_value()) at = TimeOf(row.row[column]);
  }
  for (const std::string_view column : {"prompt_text", "query", "last_user_query"}) {
    const TextIn words(row.row[column]);
    ST_ASSIGN_OR_RETURN(const bool forgotten, writer_->IsForgotten(session, at, words.view()));
    if (forgotten) return true;
  }
  return false;
}

Status Engine::Keep(SourceRow row) {
  constexpr ImportVerdict kKept = ImportVerdict::kKept;
  if (row.Unchanged() && row.known->verdict == kKept) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(const bool forgotten, IsForgotten(row));
  const std::string note = forgotten ? std::string() : WholeNote(row.row);
  row.row = {};  // it may be large, and is all in the note
  return Put(row, kKept, {}, note);
}

Status Engine::Put(const SourceRow& row, ImportVerdict verdict, const Fate& fate,
                   std::string_view note) {
  ++in_txn_;
  ST_RETURN_IF_ERROR(Tell(row, verdict, fate));
  const std::string why = TextOf(Why{.reason = fate.reason, .standing = fate.standing});
  return ledger_.Put({.table = row.table,
                      .id = row.id,
                      .verdict = verdict,
                      .dst = fate.dst,
                      .digest = row.digest,
                      .reason = why,
                      .note = note});
}

// Of what was told before, and is as it was, nothing.
Status Engine::Tell(const SourceRow& row, ImportVerdict verdict, const Fate& fate) {
  const bool taken = verdict == ImportVerdict::kImported || verdict == ImportVerdict::kMerged;
  const Why why{.reason = fate.reason, .standing = fate.standing};
  if (taken && row.known.has_value() && row.known->reason == TextOf(why)) return absl::OkStatus();
  if (row.known.has_value()) ST_RETURN_IF_ERROR(ledger_.NothingToTell(row.table, row.id));
  return taken ? upstream::Tell(ledger_, row.table, row.id, why) : absl::OkStatus();
}

Status Engine::Reject(const SourceRow& row, std::string reason) {
  return Record(row, {.verdict = ImportVerdict::kRejected, .reason = std::move(reason)});
}

void Engine::Progress(int64_t done, int64_t total) const {
  if (options_.progress) options_.progress(done, total);
}

}  // namespace selftune::upstream
