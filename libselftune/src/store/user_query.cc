#include "store/user_query.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "base/strings.h"
#include "base/thrown.h"
#include "store/column_memory.h"

namespace selftune::store {
namespace {

// Table-valued functions that read only their arguments.
constexpr std::array<std::string_view, 2> kTableFunctions = {"json_each", "json_tree"};

constexpr int kProgressSteps = 20'000;  // virtual machine steps between looks at `cancel`

bool IsView(std::string_view name) {
  const auto views = PublicViews();
  return std::any_of(views.begin(), views.end(),
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

int Authorize(void* data, int action, const char* first, const char* second,
              const char* /*database*/, const char* /*inside*/) {
  auto& rules = *static_cast<UserQuery::Rules*>(data);
  // Called from C, which an exception must not pass through.
  const auto deny = [&](std::string_view what, std::string_view which = {}) noexcept {
    try {
      if (rules.refused.empty()) rules.refused = fmt::format(fmt::runtime(what), which);
    } catch (...) {
      rules.no_memory = true;
    }
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
      return deny("table {} is private", OrEmpty(first));
    case SQLITE_TRANSACTION:
      return rules.may_begin ? SQLITE_OK : deny("only SELECT is allowed");
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

// A failure that is not the query's fault.
Status Broken(sqlite3* handle, int code) {
  if ((code & 0xff) == SQLITE_NOMEM || handle == nullptr) return base::OutOfMemory();
  return Fail(kInternal, "preparing to query: {}", sqlite3_errmsg(handle));
}

using Stmt = std::unique_ptr<sqlite3_stmt, UserQuery::Finalize>;

// Blanks, comments and semicolons: what is no statement.
bool OnlySpace(sqlite3* handle, std::string_view text) {
  while (!base::Trim(text).empty()) {
    sqlite3_stmt* raw = nullptr;
    const char* rest = nullptr;
    const int code =
        sqlite3_prepare_v2(handle, text.data(), static_cast<int>(text.size()), &raw, &rest);
    const Stmt stmt(raw);
    if (code != SQLITE_OK || stmt != nullptr || rest == text.data()) return false;
    text.remove_prefix(static_cast<size_t>(rest - text.data()));
  }
  return true;
}

StatusOr<Stmt> Prepare(sqlite3* handle, std::string_view sql, const UserQuery::Rules& rules) {
  sqlite3_stmt* raw = nullptr;
  const char* rest = nullptr;
  const int code =
      sqlite3_prepare_v2(handle, sql.data(), static_cast<int>(sql.size()), &raw, &rest);
  Stmt stmt(raw);
  if (rules.no_memory || (code & 0xff) == SQLITE_NOMEM) return base::OutOfMemory();
  if (!rules.refused.empty()) return Refused(rules.refused);
  if (code != SQLITE_OK) return Refused(sqlite3_errmsg(handle));
  if (stmt == nullptr) return Refused("it is empty");
  const auto used = static_cast<size_t>(rest - sql.data());
  if (!OnlySpace(handle, sql.substr(used))) return Refused("one statement at a time");
  if (sqlite3_stmt_isexplain(stmt.get()) != 0 || sqlite3_stmt_readonly(stmt.get()) == 0 ||
      sqlite3_column_count(stmt.get()) == 0) {
    return Refused("only SELECT is allowed");
  }
  return stmt;
}

// Table functions enter the schema on first use, which the rules would refuse.
Status KnowTableFunctions(sqlite3* handle) {
  const int code = sqlite3_exec(handle, "SELECT 1 FROM json_each('[]'), json_tree('[]')", nullptr,
                                nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Broken(handle, code);
}

struct CloseHandle {
  void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
};

// The public views as empty tables, so that only they can be named. A declared
// type is the name of the kind of the column.
StatusOr<std::string> ShadowSchema(Db& db) {
  std::string sql;
  for (const std::string_view view : PublicViews()) {
    const Relation* relation = FindRelation(view);
    const std::string query = "SELECT * FROM " + std::string(view);
    sqlite3_stmt* raw = nullptr;
    const int code = sqlite3_prepare_v2(db.handle(), query.c_str(), -1, &raw, nullptr);
    if ((code & 0xff) == SQLITE_NOMEM) return base::OutOfMemory();
    if (code != SQLITE_OK) continue;
    const Stmt stmt(raw);
    sql += "CREATE TABLE " + std::string(view) + "(";
    for (int i = 0; i < sqlite3_column_count(raw); ++i) {
      const std::string name(internal::ColumnName(raw, i));
      const RelationColumn* column = relation->Find(name);
      sql += (i > 0 ? ",\"" : "\"") + name + "\"";
      if (column != nullptr) sql += " " + std::string(KindName(column->kind));
    }
    sql += ");";
  }
  return sql;
}

// Does the query name nothing but public views? In the store itself the answer
// is not to be had: there the views' own tables look like the user's. The kinds
// of the columns it gives.
StatusOr<std::vector<ColumnKind>> CheckNames(Db& db, std::string_view sql) {
  sqlite3* raw = nullptr;
  int code = sqlite3_open_v2(":memory:", &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  const std::unique_ptr<sqlite3, CloseHandle> shadow(raw);
  if (code != SQLITE_OK) return Broken(raw, code);
  ST_ASSIGN_OR_RETURN(const std::string schema, ShadowSchema(db));
  code = sqlite3_exec(raw, schema.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return Broken(raw, code);
  ST_RETURN_IF_ERROR(KnowTableFunctions(raw));
  UserQuery::Rules rules{.only_views = true, .refused = {}};
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_set_authorizer(raw, Authorize, &rules);
  ST_ASSIGN_OR_RETURN(const Stmt stmt, Prepare(raw, sql, rules));
  std::vector<ColumnKind> kinds;
  for (int i = 0; i < sqlite3_column_count(stmt.get()); ++i) {
    kinds.push_back(KindByName(OrEmpty(sqlite3_column_decltype(stmt.get(), i))));
  }
  return kinds;
}

Status Bind(sqlite3_stmt* stmt, std::span<const SqlCell> args) {
  const int wanted = sqlite3_bind_parameter_count(stmt);
  if (wanted != static_cast<int>(args.size())) {
    return Refused(fmt::format("it has {} parameters, {} values were given", wanted, args.size()));
  }
  for (int i = 0; i < wanted; ++i) {
    const SqlCell& arg = args[static_cast<size_t>(i)];
    int code = SQLITE_OK;
    if (const auto* integer = std::get_if<int64_t>(&arg)) {
      code = sqlite3_bind_int64(stmt, i + 1, *integer);
    } else if (const auto* real = std::get_if<double>(&arg)) {
      code = sqlite3_bind_double(stmt, i + 1, *real);
    } else if (const auto* text = std::get_if<std::string>(&arg)) {
      code = sqlite3_bind_text64(stmt, i + 1, text->data(), text->size(), SQLITE_TRANSIENT,
                                 SQLITE_UTF8);
    }
    if (code == SQLITE_TOOBIG) return Refused(fmt::format("value {} is too long", i + 1));
    if (code != SQLITE_OK) return Broken(sqlite3_db_handle(stmt), code);
  }
  return absl::OkStatus();
}

int CheckInterrupt(void* user) { return static_cast<const Interrupt*>(user)->requested() ? 1 : 0; }

}  // namespace

bool Interrupt::late() const {
  return deadline.has_value() && std::chrono::steady_clock::now() >= *deadline;
}

bool Interrupt::requested() const {
  return (cancel != nullptr && cancel->requested()) || late() ||
         (stop != nullptr && stop(user) != 0);
}

void UserQuery::Finalize::operator()(sqlite3_stmt* stmt) const { sqlite3_finalize(stmt); }

UserQuery::UserQuery(std::unique_ptr<Db> db, const Interrupt& interrupt)
    : db_(std::move(db)), interrupt_(interrupt) {}

UserQuery::~UserQuery() = default;

StatusOr<std::unique_ptr<UserQuery>> UserQuery::Open(const std::string& store_path,
                                                     std::string_view sql,
                                                     std::span<const SqlCell> args,
                                                     const Interrupt& interrupt) {
  ST_ASSIGN_OR_RETURN(std::unique_ptr<Db> db, Db::Open(store_path, {.mode = OpenMode::kReadOnly}));
  db->SetCancel(interrupt.cancel);
  if (sql.size() > (1U << 20)) return Refused("it is longer than 1 MiB");
  std::unique_ptr<UserQuery> query(new UserQuery(std::move(db), interrupt));
  sqlite3* handle = query->db_->handle();
  ST_ASSIGN_OR_RETURN(query->kinds_, CheckNames(*query->db_, sql));
  ST_RETURN_IF_ERROR(KnowTableFunctions(handle));
  sqlite3_set_authorizer(handle, Authorize, &query->rules_);
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, 64 << 20);
  sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
  ST_ASSIGN_OR_RETURN(query->stmt_, Prepare(handle, sql, query->rules_));
  sqlite3_progress_handler(handle, kProgressSteps, CheckInterrupt, &query->interrupt_);
  ST_RETURN_IF_ERROR(Bind(query->stmt_.get(), args));
  return query;
}

int UserQuery::columns() const { return static_cast<int>(kinds_.size()); }

std::string_view UserQuery::Name(int column) const {
  return internal::ColumnName(stmt_.get(), column);
}

Status UserQuery::HoldSnapshot() {
  rules_.may_begin = true;
  const int code = sqlite3_exec(db_->handle(), "BEGIN", nullptr, nullptr, nullptr);
  rules_.may_begin = false;
  return code == SQLITE_OK ? absl::OkStatus() : db_->Error(code, "beginning to query");
}

void UserQuery::Restart() {
  (void)sqlite3_reset(stmt_.get());  // says again how the last run ended
  done_ = false;
}

StatusOr<bool> UserQuery::Next() {
  if (done_) return false;  // stepping again would start over
  const int code = sqlite3_step(stmt_.get());
  if (code == SQLITE_ROW) return true;
  done_ = true;
  if (code == SQLITE_DONE) return false;
  if (code == SQLITE_TOOBIG) return Refused("a value is longer than 64 MiB");
  if (code == SQLITE_ERROR || code == SQLITE_MISMATCH) {
    return Refused(sqlite3_errmsg(db_->handle()));
  }
  if (code == SQLITE_INTERRUPT && interrupt_.late()) {
    return Fail(kDeadline, "running a query: not done within its deadline");
  }
  return db_->Error(code, "running a query on");
}

CellView UserQuery::Cell(int column) const {
  sqlite3_stmt* stmt = stmt_.get();
  switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER:
      return {.type = CellType::kInt, .integer = sqlite3_column_int64(stmt, column)};
    case SQLITE_FLOAT:
      return {.type = CellType::kReal, .real = sqlite3_column_double(stmt, column)};
    case SQLITE_NULL:
      return {};
    default:
      break;
  }
  const bool blob = sqlite3_column_type(stmt, column) == SQLITE_BLOB;
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(stmt, column));
  if (bytes == nullptr) internal::CheckMemory(stmt);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(stmt, column));
  const std::string_view view(bytes != nullptr ? bytes : "", bytes != nullptr ? size : 0);
  return {.type = blob ? CellType::kBlob : CellType::kText, .bytes = view};
}

}  // namespace selftune::store
