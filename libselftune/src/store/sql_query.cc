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

// SQLite asks once for everything a statement would do. A table may be read
// only from inside a public view: `inside` is then that view's name.
int Authorize(void* refused, int action, const char* first, const char* second,
              const char* /*database*/, const char* inside) {
  const auto deny = [&](std::string what) {
    auto& reason = *static_cast<std::string*>(refused);
    if (reason.empty()) reason = std::move(what);
    return SQLITE_DENY;
  };
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_FUNCTION:
      if (base::EqualsIgnoreCase(OrEmpty(second), "load_extension")) {
        return deny("function load_extension");
      }
      return SQLITE_OK;
    case SQLITE_READ: {
      const std::string_view table = OrEmpty(first);
      if (IsView(table) || IsTableFunction(table) || IsView(OrEmpty(inside))) return SQLITE_OK;
      return deny("table " + std::string(table) + " is private");
    }
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

StatusOr<Stmt> Prepare(Db& db, std::string_view sql, std::string& refused) {
  sqlite3_stmt* raw = nullptr;
  const char* rest = nullptr;
  const int code =
      sqlite3_prepare_v2(db.handle(), sql.data(), static_cast<int>(sql.size()), &raw, &rest);
  Stmt stmt(raw);
  if (!refused.empty()) return Refused(refused);
  if (code != SQLITE_OK) {
    if (code == SQLITE_ERROR || code == SQLITE_TOOBIG) return Refused(sqlite3_errmsg(db.handle()));
    return db.Error(code, "preparing a query on");
  }
  if (stmt == nullptr) return Refused("it is empty");
  const auto used = static_cast<size_t>(rest - sql.data());
  if (!OnlySpace(sql.substr(used))) return Refused("one statement at a time");
  if (sqlite3_stmt_readonly(stmt.get()) == 0 || sqlite3_column_count(stmt.get()) == 0) {
    return Refused("only SELECT is allowed");
  }
  return stmt;
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
  std::string refused;
  sqlite3_set_authorizer(db->handle(), Authorize, &refused);
  sqlite3_limit(db->handle(), SQLITE_LIMIT_LENGTH, 64 << 20);
  sqlite3_limit(db->handle(), SQLITE_LIMIT_ATTACHED, 0);
  if (options.cancel != nullptr) {
    sqlite3_progress_handler(db->handle(), kProgressSteps, CheckCancel,
                             const_cast<base::Cancel*>(options.cancel));
  }
  ST_ASSIGN_OR_RETURN(const Stmt stmt, Prepare(*db, sql, refused));
  ST_RETURN_IF_ERROR(Bind(stmt.get(), args));
  return Collect(*db, stmt.get(), options);
}

}  // namespace selftune::store
