#include "store/any_value.h"

#include <sqlite3.h>

#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/strings.h"
#include "store/column_memory.h"

namespace selftune::store {
namespace {

constexpr double kInt64Limit = 9223372036854775808.0;  // 2^63

}  // namespace

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

namespace internal {

std::string_view BytesAt(sqlite3_stmt* stmt, int column) {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(stmt, column));
  if (data == nullptr) CheckMemory(stmt);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(stmt, column));
  return data == nullptr ? std::string_view() : std::string_view(data, size);
}

LooseValue ValueAt(sqlite3_stmt* stmt, int column) {
  LooseValue out;
  switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER:
      return LooseValue::Int(sqlite3_column_int64(stmt, column));
    case SQLITE_FLOAT:
      return LooseValue::Real(sqlite3_column_double(stmt, column));
    case SQLITE_TEXT: {
      out.type = LooseValue::Type::kText;
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(stmt, column));
      if (text == nullptr) CheckMemory(stmt);
      const auto size = static_cast<size_t>(sqlite3_column_bytes(stmt, column));
      if (text != nullptr) out.bytes.assign(text, size);
      return out;
    }
    case SQLITE_BLOB:
      out.type = LooseValue::Type::kBlob;
      out.bytes = BytesAt(stmt, column);
      return out;
    default:
      return out;
  }
}

int BindValueAt(sqlite3_stmt* stmt, int index, const LooseValue& value, bool copy) {
  const auto life = copy ? SQLITE_TRANSIENT : SQLITE_STATIC;
  switch (value.type) {
    case LooseValue::Type::kNull:
      return sqlite3_bind_null(stmt, index);
    case LooseValue::Type::kInt:
      return sqlite3_bind_int64(stmt, index, value.integer);
    case LooseValue::Type::kReal:
      return sqlite3_bind_double(stmt, index, value.real);
    case LooseValue::Type::kText:
      return sqlite3_bind_text64(stmt, index, value.bytes.data(), value.bytes.size(), life,
                                 SQLITE_UTF8);
    case LooseValue::Type::kBlob:
      return sqlite3_bind_blob64(stmt, index, value.bytes.data(), value.bytes.size(), life);
  }
  return SQLITE_MISUSE;
}

std::string Quoted(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

}  // namespace internal
}  // namespace selftune::store
