#include "store/import_merge.h"

#include <sqlite3.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/status_macros.h"
#include "store/any_statement.h"
#include "store/write_txn.h"

namespace selftune::store {
namespace {

using internal::AnyStatement;
using internal::AnyValue;
using internal::BindAny;
using internal::PrepareAny;
using internal::Quoted;
using internal::StepAny;

constexpr char kDoing[] = "comparing the archive with";
constexpr int64_t kRowsPerCheck = 1000;
constexpr char kEvents[] = "evolution_event";

bool IsCompared(const TableShape& table) {
  return !IsDerived(table.name) && !IsHousekeeping(table.name);
}

// The store of the archive's rows beside the one that takes them, as `archive`.
class Attached {
 public:
  explicit Attached(Db& db) : db_(db) {}
  ~Attached() {
    if (!open_) return;
    try {
      const Status status = db_.Execute("DETACH archive");
      (void)status;  // it goes with the connection
    } catch (...) {  // NOLINT(bugprone-empty-catch): no memory; it goes with the connection
    }
  }
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;
  Status Open(const std::string& path) {
    ST_ASSIGN_OR_RETURN(const AnyStatement stmt,
                        PrepareAny(db_, "ATTACH DATABASE ?1 AS archive", kDoing));
    const AnyValue value{.type = AnyValue::Type::kText, .bytes = path};
    ST_RETURN_IF_ERROR(BindAny(db_, stmt.get(), 1, value));
    ST_RETURN_IF_ERROR(StepAny(db_, stmt.get(), kDoing).status());
    open_ = true;
    return absl::OkStatus();
  }

 private:
  Db& db_;
  bool open_ = false;
};

std::string SameKey(const TableShape& table) {
  std::string out;
  for (const int column : table.key) {
    const std::string name = Quoted(table.columns[static_cast<size_t>(column)].name);
    out += (out.empty() ? "m." : " AND m.") + name + "=a." + name;
  }
  return out;
}

std::string OtherContent(const TableShape& table) {
  std::string out;
  for (const ColumnShape& column : table.columns) {
    if (column.key > 0) continue;
    const std::string name = Quoted(column.name);
    out += (out.empty() ? "m." : " OR m.") + name + " IS NOT a." + name;
  }
  return out.empty() ? "0" : out;
}

std::string From(const TableShape& table) { return " FROM archive." + Quoted(table.name) + " a "; }

std::string Missing(const TableShape& table) {
  return From(table) + "WHERE NOT EXISTS (SELECT 1 FROM main." + Quoted(table.name) + " m WHERE " +
         SameKey(table) + ")";
}

std::vector<AnyValue> RowAt(sqlite3_stmt* stmt) {
  std::vector<AnyValue> row;
  for (int i = 0; i < sqlite3_column_count(stmt); ++i) row.push_back(internal::ValueAt(stmt, i));
  return row;
}

Status Conflict(const Db& db, const std::string& row, std::string_view why) {
  return Fail(kConflicted, "importing into {}: the row {} {}", db.path(), row, why);
}

Status RefuseOtherContent(Db& db, const TableShape& table) {
  ST_ASSIGN_OR_RETURN(
      const AnyStatement stmt,
      PrepareAny(db,
                 "SELECT a.*" + From(table) + "JOIN main." + Quoted(table.name) + " m ON " +
                     SameKey(table) + " WHERE " + OtherContent(table) + " LIMIT 1",
                 kDoing));
  ST_ASSIGN_OR_RETURN(const bool found, StepAny(db, stmt.get(), kDoing));
  return found ? Conflict(db, table.NameOf(RowAt(stmt.get())), "is here with another content")
               : absl::OkStatus();
}

StatusOr<ImportedTable> Compare(Db& db, const TableShape& table) {
  ImportedTable out{.name = table.name};
  ST_ASSIGN_OR_RETURN(out.rows, internal::CountOf(db, "SELECT count(*)" + From(table), kDoing));
  if (!IsCompared(table)) {
    out.present = out.rows;
    return out;
  }
  ST_RETURN_IF_ERROR(RefuseOtherContent(db, table));
  ST_ASSIGN_OR_RETURN(out.imported,
                      internal::CountOf(db, "SELECT count(*)" + Missing(table), kDoing));
  out.present = out.rows - out.imported;
  return out;
}

StatusOr<std::vector<ImportedTable>> CompareAll(Db& db, const std::vector<TableShape>& tables) {
  std::vector<ImportedTable> out;
  for (const TableShape& table : tables) {
    ST_ASSIGN_OR_RETURN(ImportedTable counts, Compare(db, table));
    out.push_back(std::move(counts));
  }
  return out;
}

// Adds the missing rows of one table; the counters of the store follow.
class Adder {
 public:
  Adder(Db& db, const base::Cancel* cancel) : db_(db), cancel_(cancel) {}

  Status Add(const TableShape& table) {
    ST_ASSIGN_OR_RETURN(const AnyStatement rows,
                        PrepareAny(db_, "SELECT a.*" + Missing(table), kDoing));
    ST_ASSIGN_OR_RETURN(const AnyStatement insert,
                        PrepareAny(db_, table.InsertSql("INSERT"), "importing into"));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, StepAny(db_, rows.get(), kDoing));
      if (!more) return absl::OkStatus();
      const std::vector<AnyValue> row = RowAt(rows.get());
      ST_RETURN_IF_ERROR(Insert(insert.get(), table, row));
      Count(table, row);
      if (++done_ % kRowsPerCheck == 0 && cancel_ != nullptr) ST_RETURN_IF_ERROR(cancel_->Check());
    }
  }

 private:
  Status Insert(sqlite3_stmt* insert, const TableShape& table, const std::vector<AnyValue>& row) {
    sqlite3_reset(insert);
    for (size_t i = 0; i < row.size(); ++i) {
      ST_RETURN_IF_ERROR(BindAny(db_, insert, static_cast<int>(i) + 1, row[i]));
    }
    const Status added = StepAny(db_, insert, "adding a row to").status();
    if (CodeOf(added).name != kStoreConstraint.name || added.ok()) return added;
    return Conflict(db_, table.NameOf(row),
                    std::string("does not go with the rows here: ") + sqlite3_errmsg(db_.handle()));
  }

  void Count(const TableShape& table, const std::vector<AnyValue>& row) {
    if (table.name == "session") db_.Count(Counter::kSessions, 1);
    if (table.name == "session_metric") db_.Count(Counter::kTelemetry, 1);
    if (table.name == kEvents) db_.Count(Counter::kEvidence, 1);
    if (table.name != "prompt") return;
    for (size_t i = 0; i < row.size(); ++i) {
      if (table.columns[i].name == "actionable") db_.Count(Counter::kPrompts, row[i].integer);
    }
  }

  Db& db_;
  const base::Cancel* cancel_;
  int64_t done_ = 0;
};

// The audit is one chain: of two that go on differently neither can be taken.
Status TakeChainEnd(Db& db, const std::vector<ImportedTable>& counts) {
  const auto events = std::find_if(counts.begin(), counts.end(),
                                   [](const ImportedTable& t) { return t.name == kEvents; });
  if (events == counts.end() || events->imported == 0) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(const int64_t here,
                      internal::CountOf(db, "SELECT count(*) FROM main.evolution_event", kDoing));
  if (here != events->rows) {
    return Conflict(db, kEvents, "of the archive goes on otherwise than the audit here");
  }
  return db.Execute(
      "DELETE FROM main.meta WHERE key='evolution_seam'; "
      "INSERT OR REPLACE INTO main.meta SELECT key,value FROM archive.meta WHERE "
      "key IN('evolution_chain','evolution_seam')");
}

}  // namespace

StatusOr<std::vector<ImportedTable>> CompareStores(Db& target, const std::string& other,
                                                   const std::vector<TableShape>& tables) {
  Attached attached(target);
  ST_RETURN_IF_ERROR(attached.Open(other));
  return CompareAll(target, tables);
}

StatusOr<std::vector<ImportedTable>> MergeStores(Db& target, const std::string& other,
                                                 const std::vector<TableShape>& tables,
                                                 const base::Cancel* cancel) {
  Attached attached(target);
  ST_RETURN_IF_ERROR(attached.Open(other));
  ST_ASSIGN_OR_RETURN(WriteTxn txn, WriteTxn::Begin(target));
  // The tables come in the order of their names, not parents first.
  ST_RETURN_IF_ERROR(target.Execute("PRAGMA defer_foreign_keys=ON"));
  ST_ASSIGN_OR_RETURN(auto counts, CompareAll(target, tables));
  Adder adder(target, cancel);
  for (const TableShape& table : tables) {
    if (IsCompared(table)) ST_RETURN_IF_ERROR(adder.Add(table));
  }
  ST_RETURN_IF_ERROR(
      target.Execute("INSERT OR IGNORE INTO main.host SELECT platform,name FROM archive.host"));
  ST_RETURN_IF_ERROR(TakeChainEnd(target, counts));
  ST_RETURN_IF_ERROR(txn.Commit());
  return counts;
}

}  // namespace selftune::store
