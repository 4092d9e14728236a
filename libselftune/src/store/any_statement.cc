#include "store/any_statement.h"

#include <sqlite3.h>

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "store/column_memory.h"

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

std::string_view BytesAt(sqlite3_stmt* stmt, int column) {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(stmt, column));
  if (data == nullptr) CheckMemory(stmt);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(stmt, column));
  return data == nullptr ? std::string_view() : std::string_view(data, size);
}

AnyValue ValueAt(sqlite3_stmt* stmt, int column) {
  switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER:
      return {
          .type = AnyValue::Type::kInt, .integer = sqlite3_column_int64(stmt, column), .bytes = {}};
    case SQLITE_FLOAT:
      return {
          .type = AnyValue::Type::kReal, .real = sqlite3_column_double(stmt, column), .bytes = {}};
    case SQLITE_TEXT:
      return {.type = AnyValue::Type::kText, .bytes = std::string(BytesAt(stmt, column))};
    case SQLITE_BLOB:
      return {.type = AnyValue::Type::kBlob, .bytes = std::string(BytesAt(stmt, column))};
    default:
      return {};
  }
}

Status BindAny(Db& db, sqlite3_stmt* stmt, int index, const AnyValue& value) {
  int code = SQLITE_MISUSE;
  switch (value.type) {
    case AnyValue::Type::kNull:
      code = sqlite3_bind_null(stmt, index);
      break;
    case AnyValue::Type::kInt:
      code = sqlite3_bind_int64(stmt, index, value.integer);
      break;
    case AnyValue::Type::kReal:
      code = sqlite3_bind_double(stmt, index, value.real);
      break;
    case AnyValue::Type::kText:
      code = sqlite3_bind_text64(stmt, index, value.bytes.data(), value.bytes.size(), SQLITE_STATIC,
                                 SQLITE_UTF8);
      break;
    case AnyValue::Type::kBlob:
      code =
          sqlite3_bind_blob64(stmt, index, value.bytes.data(), value.bytes.size(), SQLITE_STATIC);
      break;
  }
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

std::string Quoted(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

}  // namespace selftune::store::internal
