#include "store/loose_db.h"

#include <sqlite3.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "base/strings.h"

namespace selftune::store {
namespace {

constexpr double kInt64Limit = 9223372036854775808.0;  // 2^63

const char* const kTables =
    "SELECT l.name, NOT l.wr FROM pragma_table_list l WHERE l.schema='main' AND "
    "l.type IN('table','shadow') AND l.name NOT GLOB 'sqlite_*' ORDER BY l.name";
const char* const kColumns = "SELECT name, pk FROM pragma_table_info(?1) ORDER BY cid";

LooseValue ValueOf(sqlite3_stmt* stmt, int i) {
  LooseValue out;
  switch (sqlite3_column_type(stmt, i)) {
    case SQLITE_INTEGER:
      return LooseValue::Int(sqlite3_column_int64(stmt, i));
    case SQLITE_FLOAT:
      return LooseValue::Real(sqlite3_column_double(stmt, i));
    case SQLITE_TEXT:
    case SQLITE_BLOB: {
      const bool text = sqlite3_column_type(stmt, i) == SQLITE_TEXT;
      out.type = text ? LooseValue::Type::kText : LooseValue::Type::kBlob;
      // Of a database in UTF-16 this is UTF-8, too.
      const void* const data = text ? static_cast<const void*>(sqlite3_column_text(stmt, i))
                                    : sqlite3_column_blob(stmt, i);
      const auto size = static_cast<size_t>(sqlite3_column_bytes(stmt, i));
      if (data != nullptr) out.bytes.assign(static_cast<const char*>(data), size);
      return out;
    }
    default:
      return out;
  }
}

}  // namespace

// ------------------------------------------------------------------- values

LooseValue LooseValue::Int(int64_t value) {
  LooseValue out;
  out.type = Type::kInt;
  out.integer = value;
  return out;
}

LooseValue LooseValue::Real(double value) {
  LooseValue out;
  out.type = Type::kReal;
  out.real = value;
  return out;
}

LooseValue LooseValue::Text(std::string text) {
  LooseValue out;
  out.type = Type::kText;
  out.bytes = std::move(text);
  return out;
}

std::string LooseValue::AsText() const {
  switch (type) {
    case Type::kNull:
      return {};
    case Type::kInt:
      return std::to_string(integer);
    case Type::kReal:
      return fmt::format("{}", real);
    default:
      return bytes;
  }
}

std::optional<int64_t> LooseValue::AsInt() const {
  if (type == Type::kInt) return integer;
  const std::optional<double> number = AsReal();
  if (type == Type::kText) {
    if (const auto whole = base::ParseInt(base::Trim(bytes))) return whole;
  }
  if (!number.has_value() || std::floor(*number) != *number) return std::nullopt;
  if (*number < -kInt64Limit || *number >= kInt64Limit) return std::nullopt;
  return static_cast<int64_t>(*number);
}

std::optional<double> LooseValue::AsReal() const {
  if (type == Type::kInt) return static_cast<double>(integer);
  if (type == Type::kReal) return std::isfinite(real) ? std::optional(real) : std::nullopt;
  if (type != Type::kText) return std::nullopt;
  return base::ParseDouble(base::Trim(bytes));
}

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
  sqlite3_reset(stmt_);
  for (size_t i = 0; i < values.size(); ++i) {
    const int at = static_cast<int>(i) + 1;
    const LooseValue& v = values[i];
    int code = SQLITE_OK;
    switch (v.type) {
      case LooseValue::Type::kNull:
        code = sqlite3_bind_null(stmt_, at);
        break;
      case LooseValue::Type::kInt:
        code = sqlite3_bind_int64(stmt_, at, v.integer);
        break;
      case LooseValue::Type::kReal:
        code = sqlite3_bind_double(stmt_, at, v.real);
        break;
      case LooseValue::Type::kText:
        code = sqlite3_bind_text64(stmt_, at, v.bytes.data(), v.bytes.size(), SQLITE_TRANSIENT,
                                   SQLITE_UTF8);
        break;
      case LooseValue::Type::kBlob:
        code = sqlite3_bind_blob64(stmt_, at, v.bytes.data(), v.bytes.size(), SQLITE_TRANSIENT);
        break;
    }
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
      return Fail(kOutOfMemory, "reading a table");
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
  for (int i = 0; i < n; ++i) values.push_back(ValueOf(stmt_, i));
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
      return Fail(kOutOfMemory, "{} {}", doing, path_);
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
    if (name == nullptr) return Fail(kOutOfMemory, "reading {}", path_);
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

std::string QuoteName(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

}  // namespace selftune::store
