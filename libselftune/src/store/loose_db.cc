#include "store/loose_db.h"

#include <sqlite3.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/thrown.h"

namespace selftune::store {
namespace {

const char* const kTables =
    "SELECT l.name, NOT l.wr FROM pragma_table_list l WHERE l.schema='main' AND "
    "l.type IN('table','shadow') AND l.name NOT GLOB 'sqlite_*' ORDER BY l.name";
const char* const kColumns = "SELECT name, pk FROM pragma_table_info(?1) ORDER BY cid";

}  // namespace

// --------------------------------------------------------------------- rows

const LooseValue& LooseRow::operator[](std::string_view name) const {
  static const LooseValue* const kNone = new LooseValue();
  for (size_t i = 0; i < values_.size(); ++i) {
    if ((*names_)[i] == name) return values_[i];
  }
  return *kNone;
}

bool LooseRow::Has(std::string_view name) const {
  return names_ != nullptr && std::find(names_->begin(), names_->end(), name) != names_->end();
}

// ------------------------------------------------------------------ queries

LooseQuery::~LooseQuery() { sqlite3_finalize(stmt_); }

Status LooseQuery::Bind(const std::vector<LooseValue>& values) {
  return BindAll(values, /*copy=*/true);
}

Status LooseQuery::Run(const std::vector<LooseValue>& values) {
  Status done = BindAll(values, /*copy=*/false);
  if (done.ok()) done = Next().status();
  sqlite3_reset(stmt_);
  sqlite3_clear_bindings(stmt_);  // they point to what may go away
  return done;
}

Status LooseQuery::BindAll(const std::vector<LooseValue>& values, bool copy) {
  sqlite3_reset(stmt_);
  for (size_t i = 0; i < values.size(); ++i) {
    const int code = internal::BindValueAt(stmt_, static_cast<int>(i) + 1, values[i], copy);
    if (code != SQLITE_OK) return Fail(kInternal, "binding a value: {}", sqlite3_errstr(code));
  }
  return absl::OkStatus();
}

StatusOr<bool> LooseQuery::Next() {
  const int code = sqlite3_step(stmt_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  const char* const why = sqlite3_errmsg(sqlite3_db_handle(stmt_));
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Fail(kStoreCorrupt, "reading a table: {}", why);
    case SQLITE_NOMEM:
      base::ThrowNoMemory();
    case SQLITE_FULL:
      return Fail(kDiskFull, "writing a table: {}", why);
    default:
      return Fail(kInternal, "reading a table: {}", why);
  }
}

LooseRow LooseQuery::Row() const {
  const int n = sqlite3_column_count(stmt_);
  std::vector<LooseValue> values;
  values.reserve(static_cast<size_t>(n));
  for (int i = 0; i < n; ++i) values.push_back(internal::ValueAt(stmt_, i));
  return {names_, std::move(values)};
}

// ----------------------------------------------------------------- database

LooseDb::~LooseDb() { sqlite3_close_v2(db_); }

Status LooseDb::Error(int code, std::string_view doing) const {
  const char* const why = db_ != nullptr ? sqlite3_errmsg(db_) : sqlite3_errstr(code);
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Fail(kStoreCorrupt, "{} {}: {}", doing, path_, why);
    case SQLITE_FULL:
      return Fail(kDiskFull, "{} {}: {}", doing, path_, why);
    case SQLITE_NOMEM:
      base::ThrowNoMemory();
    default:
      return Fail(kFileUnreadable, "{} {}: {}", doing, path_, why);
  }
}

StatusOr<std::unique_ptr<LooseDb>> LooseDb::Open(const std::string& path) {
  std::unique_ptr<LooseDb> out(new LooseDb(path));
  const int code =
      sqlite3_open_v2(path.c_str(), &out->db_,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code != SQLITE_OK) return out->Error(code, "opening");
  sqlite3_extended_result_codes(out->db_, 1);
  sqlite3_db_config(out->db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(out->db_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(out->db_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  // Thrown away after use: nothing has to survive a power cut.
  ST_RETURN_IF_ERROR(
      out->Execute("PRAGMA journal_mode=DELETE; PRAGMA synchronous=OFF; PRAGMA cell_size_check=ON; "
                   "PRAGMA cache_size=-8000; PRAGMA temp_store=FILE"));
  return out;
}

Status LooseDb::Execute(const std::string& sql) {
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Error(code, "reading");
}

StatusOr<LooseQuery> LooseDb::Query(const std::string& sql) {
  sqlite3_stmt* stmt = nullptr;
  const int code = sqlite3_prepare_v2(db_, sql.c_str(), -1, &stmt, nullptr);
  if (code != SQLITE_OK) return Error(code, "reading");
  LooseQuery query(stmt);
  auto names = std::make_shared<std::vector<std::string>>();
  for (int i = 0; i < sqlite3_column_count(stmt); ++i) {
    const char* const name = sqlite3_column_name(stmt, i);
    if (name == nullptr) base::ThrowNoMemory();
    names->emplace_back(name);
  }
  query.names_ = std::move(names);
  return query;
}

StatusOr<int64_t> LooseDb::Int(const std::string& sql) {
  ST_ASSIGN_OR_RETURN(LooseQuery query, Query(sql));
  ST_ASSIGN_OR_RETURN(const bool found, query.Next());
  return found ? query.Row().value(0).AsInt().value_or(0) : int64_t{0};
}

StatusOr<std::string> LooseDb::QuickCheck() {
  ST_ASSIGN_OR_RETURN(LooseQuery query, Query("PRAGMA quick_check(1)"));
  ST_ASSIGN_OR_RETURN(const bool found, query.Next());
  return found ? query.Row().value(0).AsText() : std::string();
}

StatusOr<std::vector<LooseTable>> LooseDb::Tables() {
  std::vector<LooseTable> out;
  {
    ST_ASSIGN_OR_RETURN(LooseQuery query, Query(kTables));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, query.Next());
      if (!more) break;
      const LooseRow row = query.Row();
      out.push_back({.name = row.value(0).AsText(),
                     .columns = {},
                     .key = {},
                     .has_rowid = row.value(1).AsInt().value_or(1) != 0});
    }
  }
  ST_ASSIGN_OR_RETURN(LooseQuery columns, Query(kColumns));
  for (LooseTable& table : out) {
    ST_RETURN_IF_ERROR(columns.Bind({LooseValue::Text(table.name)}));
    std::vector<std::pair<int64_t, std::string>> key;
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, columns.Next());
      if (!more) break;
      const LooseRow row = columns.Row();
      table.columns.push_back(row.value(0).AsText());
      const int64_t place = row.value(1).AsInt().value_or(0);
      if (place > 0) key.emplace_back(place, table.columns.back());
    }
    std::sort(key.begin(), key.end());
    for (auto& [place, name] : key) table.key.push_back(std::move(name));
  }
  return out;
}

}  // namespace selftune::store
