#include "store/table_shape.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "store/migrate.h"

namespace selftune::store {
namespace {

using internal::AnyStatement;
using internal::AnyValue;
using internal::Quoted;

constexpr char kTables[] =
    "SELECT name, wr FROM pragma_table_list WHERE schema='main' AND type='table' "
    "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
constexpr char kRoots[] = "SELECT name, rootpage FROM sqlite_schema WHERE type='table'";
constexpr char kColumns[] = "SELECT name, type, \"notnull\", pk FROM pragma_table_info(?1)";
constexpr std::array<std::string_view, 5> kDerived = {"counter", "rollup_dirty", "skill_day",
                                                      "skill_session", "skill_total"};
constexpr std::array<std::string_view, 6> kHousekeeping = {
    "change_clock", "commit_due", "host", "import_untold", "meta", "skill_rest"};

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
};

// A database of our schema that exists in memory only.
class Blueprint {
 public:
  Status Make() {
    sqlite3* raw = nullptr;
    const int code = sqlite3_open(":memory:", &raw);
    db_.reset(raw);
    if (code != SQLITE_OK) return Failed();
    return Execute(std::string(SchemaSql()) + std::string(ViewsSql()));
  }
  Status Execute(const std::string& sql) {
    const int code = sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
    return code == SQLITE_OK ? absl::OkStatus() : Failed();
  }
  StatusOr<AnyStatement> Prepare(const char* sql) {
    sqlite3_stmt* stmt = nullptr;
    if (sqlite3_prepare_v2(db_.get(), sql, -1, &stmt, nullptr) != SQLITE_OK) return Failed();
    return AnyStatement(stmt);
  }
  StatusOr<std::map<std::string, int>> Roots() {
    ST_ASSIGN_OR_RETURN(const AnyStatement stmt, Prepare(kRoots));
    std::map<std::string, int> out;
    while (sqlite3_step(stmt.get()) == SQLITE_ROW) {
      out.emplace(internal::BytesAt(stmt.get(), 0), sqlite3_column_int(stmt.get(), 1));
    }
    return out;
  }

 private:
  [[nodiscard]] Status Failed() const {
    return Fail(kInternal, "describing the tables of the store: {}", sqlite3_errmsg(db_.get()));
  }
  std::unique_ptr<sqlite3, CloseDatabase> db_;
};

StatusOr<ColumnShape::Type> TypeOf(std::string_view word) {
  if (word == "INTEGER") return ColumnShape::Type::kInteger;
  if (word == "REAL") return ColumnShape::Type::kReal;
  if (word == "TEXT") return ColumnShape::Type::kText;
  if (word == "BLOB") return ColumnShape::Type::kBlob;
  return Fail(kInternal, "describing the tables of the store: there is no type {}", word);
}

Status AddColumns(Blueprint& blueprint, TableShape& table) {
  ST_ASSIGN_OR_RETURN(const AnyStatement stmt, blueprint.Prepare(kColumns));
  sqlite3_bind_text(stmt.get(), 1, table.name.data(), static_cast<int>(table.name.size()),
                    SQLITE_STATIC);
  while (sqlite3_step(stmt.get()) == SQLITE_ROW) {
    ColumnShape column;
    column.name = internal::BytesAt(stmt.get(), 0);
    ST_ASSIGN_OR_RETURN(column.type, TypeOf(internal::BytesAt(stmt.get(), 1)));
    column.not_null = sqlite3_column_int(stmt.get(), 2) != 0;
    column.key = sqlite3_column_int(stmt.get(), 3);
    table.columns.push_back(std::move(column));
  }
  for (int i = 0; i < static_cast<int>(table.columns.size()); ++i) {
    if (table.columns[i].key > 0) table.key.push_back(i);
  }
  std::sort(table.key.begin(), table.key.end(),
            [&](int a, int b) { return table.columns[a].key < table.columns[b].key; });
  const bool integer =
      table.key.size() == 1 && table.columns[table.key[0]].type == ColumnShape::Type::kInteger;
  if (integer && !table.without_rowid) table.rowid_column = table.key[0];
  return absl::OkStatus();
}

template <size_t N>
bool Contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string TableShape::ColumnList() const {
  std::string out;
  for (const ColumnShape& column : columns) out += (out.empty() ? "" : ",") + Quoted(column.name);
  return out;
}

std::string TableShape::InsertSql(std::string_view verb) const {
  std::string marks;
  for (size_t i = 0; i < columns.size(); ++i) marks += i == 0 ? "?" : ",?";
  return std::string(verb) + " INTO " + Quoted(name) + "(" + ColumnList() + ") VALUES(" + marks +
         ")";
}

std::string TableShape::NameOf(std::span<const AnyValue> row) const {
  std::string out = name;
  for (const int column : key) out += " " + internal::Shown(row[static_cast<size_t>(column)]);
  return out;
}

StatusOr<std::vector<TableShape>> SchemaShapes() {
  Blueprint blueprint;
  ST_RETURN_IF_ERROR(blueprint.Make());
  std::vector<TableShape> tables;
  {
    ST_ASSIGN_OR_RETURN(const AnyStatement stmt, blueprint.Prepare(kTables));
    while (sqlite3_step(stmt.get()) == SQLITE_ROW) {
      TableShape& table = tables.emplace_back();
      table.name = internal::BytesAt(stmt.get(), 0);
      table.without_rowid = sqlite3_column_int(stmt.get(), 1) != 0;
    }
  }
  for (TableShape& table : tables) ST_RETURN_IF_ERROR(AddColumns(blueprint, table));
  ST_ASSIGN_OR_RETURN(const auto roots, blueprint.Roots());
  ST_RETURN_IF_ERROR(blueprint.Execute("VACUUM"));
  ST_ASSIGN_OR_RETURN(const auto vacuumed, blueprint.Roots());
  for (TableShape& table : tables) {
    table.root = roots.at(table.name);
    table.vacuumed_root = vacuumed.at(table.name);
  }
  return tables;
}

bool IsDerived(std::string_view table) { return Contains(kDerived, table); }

bool IsHousekeeping(std::string_view table) { return Contains(kHousekeeping, table); }

}  // namespace selftune::store
