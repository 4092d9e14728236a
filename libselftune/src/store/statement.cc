#include "store/statement.h"

#include <sqlite3.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/thrown.h"
#include "store/column_memory.h"
#include "store/db.h"

namespace selftune::store {

using internal::CheckMemory;

void internal::CheckMemory(sqlite3_stmt* stmt) {
  if (sqlite3_errcode(sqlite3_db_handle(stmt)) == SQLITE_NOMEM) base::ThrowNoMemory();
}

std::string_view internal::ColumnName(sqlite3_stmt* stmt, int column) {
  const char* name = sqlite3_column_name(stmt, column);
  if (name == nullptr) base::ThrowNoMemory();
  return name;
}

Cursor::~Cursor() {
  if (stmt_ != nullptr) db_->Return(stmt_, sql_, cached_);
}

StatusOr<bool> Cursor::Next() {
  if (done_) return false;
  const int code = sqlite3_step(stmt_);
  if (code == SQLITE_ROW) return true;
  done_ = true;
  if (code == SQLITE_DONE) return false;
  return db_->Error(code, "reading the store");
}

bool Cursor::IsNull(int column) const { return sqlite3_column_type(stmt_, column) == SQLITE_NULL; }

int64_t Cursor::Int(int column) const { return sqlite3_column_int64(stmt_, column); }

double Cursor::Double(int column) const { return sqlite3_column_double(stmt_, column); }

std::string_view Cursor::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(stmt_, column));
  if (text == nullptr) {
    CheckMemory(stmt_);
    return {};
  }
  return {text, static_cast<size_t>(sqlite3_column_bytes(stmt_, column))};
}

std::string_view Cursor::Bytes(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(stmt_, column));
  if (bytes == nullptr) {
    CheckMemory(stmt_);
    return {};
  }
  return {bytes, static_cast<size_t>(sqlite3_column_bytes(stmt_, column))};
}

std::optional<int64_t> Cursor::OptInt(int column) const {
  if (IsNull(column)) return std::nullopt;
  return Int(column);
}

std::optional<bool> Cursor::OptBool(int column) const {
  if (IsNull(column)) return std::nullopt;
  return Bool(column);
}

std::optional<double> Cursor::OptDouble(int column) const {
  if (IsNull(column)) return std::nullopt;
  return Double(column);
}

std::optional<std::string> Cursor::OptString(int column) const {
  if (IsNull(column)) return std::nullopt;
  return String(column);
}

std::optional<UtcMillis> Cursor::OptTime(int column) const {
  if (IsNull(column)) return std::nullopt;
  return UtcMillis{Int(column)};
}

}  // namespace selftune::store
