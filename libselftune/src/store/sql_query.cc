#include "store/sql_query.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"

namespace selftune::store {
namespace {

constexpr std::array<std::string_view, 17> kViews = {"bad_lines",
                                                     "evolution_audit",
                                                     "evolution_evidence",
                                                     "execution_facts",
                                                     "exposures",
                                                     "grading_results",
                                                     "improvement_signals",
                                                     "orchestrate_runs",
                                                     "prompts",
                                                     "queries",
                                                     "sessions",
                                                     "session_telemetry",
                                                     "skill_invocations",
                                                     "skill_usage",
                                                     "source_files",
                                                     "sql_contract",
                                                     "tool_calls"};

// Table-valued functions that read only their arguments.
constexpr std::array<std::string_view, 2> kTableFunctions = {"json_each", "json_tree"};

constexpr int kProgressSteps = 20'000;  // virtual machine steps between looks at `cancel`

bool IsView(std::string_view name) {
  return std::any_of(kViews.begin(), kViews.end(),
                     [&](std::string_view view) { return base::EqualsIgnoreCase(view, name); });
}

bool IsTableFunction(std::string_view name) {
  return std::find(kTableFunctions.begin(), kTableFunctions.end(), name) != kTableFunctions.end();
}

std::string_view OrEmpty(const char* text) { return text != nullptr ? text : ""; }

// A read without a column is reported of named subqueries, too. Their names
// are free, but for those of tables that every database has.
bool MayRead(std::string_view table, std::string_view column) {
  if (IsView(table) || IsTableFunction(table)) return true;
  if (!column.empty()) return false;
  for (const std::string_view prefix :
       {"sqlite_", "pragma_", "dbstat", "bytecode", "tables_used"}) {
    if (base::StartsWithIgnoreCase(table, prefix)) return false;
  }
  return true;
}

// What one connection of a query may do. The library asks for every part of a
// statement while preparing it.
struct Rules {
  bool only_views = false;  // reads of anything but public views are refused
  std::string refused;      // the first thing that was
};

int Authorize(void* data, int action, const char* first, const char* second,
              const char* /*database*/, const char* /*inside*/) {
  auto& rules = *static_cast<Rules*>(data);
  const auto deny = [&](std::string what) {
    if (rules.refused.empty()) rules.refused = std::move(what);
    return SQLITE_DENY;
  };
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_FUNCTION:
      if (!base::EqualsIgnoreCase(OrEmpty(second), "load_extension")) return SQLITE_OK;
      return deny("function load_extension");
    case SQLITE_READ:
      if (!rules.only_views || MayRead(OrEmpty(first), OrEmpty(second))) return SQLITE_OK;
      return deny("table " + std::string(OrEmpty(first)) + " is private");
    case SQLITE_PRAGMA:
      return deny("PRAGMA");
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
      return deny("ATTACH and DETACH");
    default:
      return deny("only SELECT is allowed");
  }
}

Status Refused(std::string_view why) {
  return WithSuggestion(Fail(kQueryRefused, "running the query: {}", why),
                        "SELECT from the public views; docs/sql-views.md lists their columns", "");
}

struct Finalize {
  void operator()(sqlite3_stmt* stmt) const { sqlite3_finalize(stmt); }
};
using Stmt = std::unique_ptr<sqlite3_stmt, Finalize>;

bool OnlySpace(std::string_view text) {
  return base::Trim(text).empty() || base::Trim(text) == ";";
}

StatusOr<Stmt> Prepare(sqlite3* handle, std::string_view sql, const Rules& rules) {
  sqlite3_stmt* raw = nullptr;
  const char* rest = nullptr;
  const int code =
      sqlite3_prepare_v2(handle, sql.data(), static_cast<int>(sql.size()), &raw, &rest);
  Stmt stmt(raw);
  if (!rules.refused.empty()) return Refused(rules.refused);
  if (code != SQLITE_OK) return Refused(sqlite3_errmsg(handle));
  if (stmt == nullptr) return Refused("it is empty");
  const auto used = static_cast<size_t>(rest - sql.data());
  if (!OnlySpace(sql.substr(used))) return Refused("one statement at a time");
  if (sqlite3_stmt_readonly(stmt.get()) == 0 || sqlite3_column_count(stmt.get()) == 0) {
    return Refused("only SELECT is allowed");
  }
  return stmt;
}

// Table functions enter the schema on first use, which the rules would refuse.
Status KnowTableFunctions(sqlite3* handle) {
  const int code = sqlite3_exec(handle, "SELECT 1 FROM json_each('[]'), json_tree('[]')", nullptr,
                                nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus()
                           : Fail(kInternal, "preparing to query: {}", sqlite3_errmsg(handle));
}

struct CloseHandle {
  void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
};

// The public views as empty tables, so that only they can be named.
std::string ShadowSchema(Db& db) {
  std::string sql;
  for (const std::string_view view : kViews) {
    const std::string query = "SELECT * FROM " + std::string(view);
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(db.handle(), query.c_str(), -1, &raw, nullptr) != SQLITE_OK) continue;
    const Stmt stmt(raw);
    sql += "CREATE TABLE " + std::string(view) + "(";
    for (int i = 0; i < sqlite3_column_count(raw); ++i) {
      sql += (i > 0 ? ",\"" : "\"") + std::string(OrEmpty(sqlite3_column_name(raw, i))) + "\"";
    }
    sql += ");";
  }
  return sql;
}

// Does the query name nothing but public views? In the store itself the answer
// is not to be had: there the views' own tables look like the user's.
Status CheckNames(Db& db, std::string_view sql) {
  sqlite3* raw = nullptr;
  sqlite3_open_v2(":memory:", &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  const std::unique_ptr<sqlite3, CloseHandle> shadow(raw);
  const std::string schema = ShadowSchema(db);
  if (raw == nullptr || sqlite3_exec(raw, schema.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return Fail(kInternal, "preparing to query: {}", sqlite3_errmsg(raw));
  }
  ST_RETURN_IF_ERROR(KnowTableFunctions(raw));
  Rules rules{.only_views = true, .refused = {}};
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_set_authorizer(raw, Authorize, &rules);
  return Prepare(raw, sql, rules).status();
}

Status Bind(sqlite3_stmt* stmt, std::span<const SqlCell> args) {
  const int wanted = sqlite3_bind_parameter_count(stmt);
  if (wanted != static_cast<int>(args.size())) {
    return Refused(fmt::format("it has {} parameters, {} values were given", wanted, args.size()));
  }
  for (int i = 0; i < wanted; ++i) {
    const SqlCell& arg = args[static_cast<size_t>(i)];
    if (const auto* integer = std::get_if<int64_t>(&arg)) {
      sqlite3_bind_int64(stmt, i + 1, *integer);
    } else if (const auto* real = std::get_if<double>(&arg)) {
      sqlite3_bind_double(stmt, i + 1, *real);
    } else if (const auto* text = std::get_if<std::string>(&arg)) {
      sqlite3_bind_text64(stmt, i + 1, text->data(), text->size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    }
  }
  return absl::OkStatus();
}

SqlCell CellOf(sqlite3_stmt* stmt, int column) {
  switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER:
      return static_cast<int64_t>(sqlite3_column_int64(stmt, column));
    case SQLITE_FLOAT:
      return sqlite3_column_double(stmt, column);
    case SQLITE_NULL:
      return std::monostate();
    default:
      break;
  }
  const bool blob = sqlite3_column_type(stmt, column) == SQLITE_BLOB;
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(stmt, column));
  const auto size = static_cast<size_t>(sqlite3_column_bytes(stmt, column));
  const std::string_view view(bytes != nullptr ? bytes : "", bytes != nullptr ? size : 0);
  return blob ? base::Hex(view) : std::string(view);
}

int CheckCancel(void* cancel) {
  return static_cast<const base::Cancel*>(cancel)->requested() ? 1 : 0;
}

StatusOr<SqlResult> Collect(Db& db, sqlite3_stmt* stmt, const SqlOptions& options) {
  SqlResult result;
  const int columns = sqlite3_column_count(stmt);
  for (int i = 0; i < columns; ++i)
    result.columns.emplace_back(OrEmpty(sqlite3_column_name(stmt, i)));
  int64_t bytes = 0;
  for (;;) {
    const int code = sqlite3_step(stmt);
    if (code == SQLITE_DONE) return result;
    if (code == SQLITE_ERROR) return Refused(sqlite3_errmsg(db.handle()));
    if (code != SQLITE_ROW) return db.Error(code, "running a query on");
    if (static_cast<int64_t>(result.rows.size()) >= options.max_rows || bytes > options.max_bytes) {
      result.truncated = true;
      return result;
    }
    auto& row = result.rows.emplace_back();
    for (int i = 0; i < columns; ++i) {
      row.push_back(CellOf(stmt, i));
      if (const auto* text = std::get_if<std::string>(&row.back())) {
        bytes += static_cast<int64_t>(text->size());
      }
    }
  }
}

}  // namespace

std::span<const std::string_view> PublicViews() { return kViews; }

StatusOr<SqlResult> RunUserSql(const std::string& store_path, std::string_view sql,
                               std::span<const SqlCell> args, const SqlOptions& options) {
  ST_ASSIGN_OR_RETURN(const std::unique_ptr<Db> db,
                      Db::Open(store_path, {.mode = OpenMode::kReadOnly}));
  if (sql.size() > (1U << 20)) return Refused("it is longer than 1 MiB");
  ST_RETURN_IF_ERROR(CheckNames(*db, sql));
  ST_RETURN_IF_ERROR(KnowTableFunctions(db->handle()));
  Rules rules;
  sqlite3_set_authorizer(db->handle(), Authorize, &rules);
  sqlite3_limit(db->handle(), SQLITE_LIMIT_LENGTH, 64 << 20);
  sqlite3_limit(db->handle(), SQLITE_LIMIT_ATTACHED, 0);
  ST_ASSIGN_OR_RETURN(const Stmt stmt, Prepare(db->handle(), sql, rules));
  if (options.cancel != nullptr) {
    sqlite3_progress_handler(db->handle(), kProgressSteps, CheckCancel,
                             const_cast<base::Cancel*>(options.cancel));
  }
  ST_RETURN_IF_ERROR(Bind(stmt.get(), args));
  return Collect(*db, stmt.get(), options);
}

}  // namespace selftune::store
