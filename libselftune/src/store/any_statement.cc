#include "store/any_statement.h"

#include <sqlite3.h>

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace selftune::store::internal {
namespace {

constexpr size_t kMaxShown = 60;

}  // namespace

void FinalizeStatement::operator()(sqlite3_stmt* stmt) const { sqlite3_finalize(stmt); }

StatusOr<AnyStatement> PrepareAny(Db& db, const std::string& sql, std::string_view doing) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(db.handle(), sql.c_str(), -1, &raw, nullptr);
  if (code != SQLITE_OK) return db.Error(code, doing);
  return AnyStatement(raw);
}

StatusOr<bool> StepAny(Db& db, sqlite3_stmt* stmt, std::string_view doing) {
  const int code = sqlite3_step(stmt);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return db.Error(code, doing);
}

StatusOr<int64_t> CountOf(Db& db, const std::string& sql, std::string_view doing) {
  ST_ASSIGN_OR_RETURN(const AnyStatement stmt, PrepareAny(db, sql, doing));
  ST_ASSIGN_OR_RETURN(const bool found, StepAny(db, stmt.get(), doing));
  return found ? static_cast<int64_t>(sqlite3_column_int64(stmt.get(), 0)) : int64_t{0};
}

Status BindAny(Db& db, sqlite3_stmt* stmt, int index, const AnyValue& value) {
  const int code = BindValueAt(stmt, index, value, /*copy=*/false);
  return code == SQLITE_OK ? absl::OkStatus() : db.Error(code, "binding a value");
}

std::string Shown(const AnyValue& value) {
  switch (value.type) {
    case AnyValue::Type::kNull:
      return "NULL";
    case AnyValue::Type::kInt:
      return std::to_string(value.integer);
    case AnyValue::Type::kReal:
      return fmt::format("{}", value.real);
    case AnyValue::Type::kText:
      return "'" + value.bytes.substr(0, kMaxShown) + "'";
    case AnyValue::Type::kBlob:
      return "x'" + base::Hex(std::string_view(value.bytes).substr(0, kMaxShown / 2)) + "'";
  }
  return "";
}

}  // namespace selftune::store::internal
