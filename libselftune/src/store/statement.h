// Prepared statements: typed binding and columns over the database library,
// whose header stays inside this module.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/time.h"
#include "store/ids.h"

struct sqlite3_stmt;

namespace selftune::store {

class Db;

// Bytes bound as BLOB (a std::string_view binds as TEXT). Empty = NULL.
struct Blob {
  std::string_view bytes;
};

// TEXT, or NULL when empty.
struct OrNull {
  std::string_view text;
};

namespace internal {

// A bound value, so that binding is one non-template function.
struct Value {
  enum class Type { kNull, kInt, kDouble, kText, kBlob };
  Type type = Type::kNull;
  int64_t integer = 0;
  double real = 0;
  std::string_view bytes;

  static Value Int(int64_t v) { return {.type = Type::kInt, .integer = v, .bytes = {}}; }
  static Value Text(std::string_view v) { return {.type = Type::kText, .bytes = v}; }
};

inline Value ToValue(std::nullptr_t) { return {}; }
inline Value ToValue(bool v) { return Value::Int(v ? 1 : 0); }
inline Value ToValue(int v) { return Value::Int(v); }
inline Value ToValue(int64_t v) { return Value::Int(v); }
inline Value ToValue(long long v) { return Value::Int(v); }
inline Value ToValue(uint32_t v) { return Value::Int(v); }
inline Value ToValue(uint64_t v) { return Value::Int(static_cast<int64_t>(v)); }
inline Value ToValue(double v) { return {.type = Value::Type::kDouble, .real = v, .bytes = {}}; }
inline Value ToValue(std::string_view v) { return Value::Text(v); }
inline Value ToValue(const std::string& v) { return Value::Text(v); }
inline Value ToValue(const char* v) { return Value::Text(v); }
inline Value ToValue(UtcMillis v) { return Value::Int(v.value); }
inline Value ToValue(Blob v) {
  return {.type = v.bytes.empty() ? Value::Type::kNull : Value::Type::kBlob, .bytes = v.bytes};
}
inline Value ToValue(OrNull v) { return v.text.empty() ? Value{} : Value::Text(v.text); }
// A key of 0 is NULL.
template <typename Tag>
Value ToValue(Id<Tag> v) {
  return v.value == 0 ? Value{} : Value::Int(v.value);
}
template <typename T>
Value ToValue(const std::optional<T>& v) {
  return v.has_value() ? ToValue(*v) : Value{};
}

}  // namespace internal

// The rows of one running query. The statement returns to the connection's
// cache when the cursor goes; a cursor must not outlive its Db.
//
//   ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kPrompts, session));
//   for (;;) {
//     ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
//     if (!more) break;
//     Use(rows.Int(0), rows.Text(1));
//   }
//
// Once Next() said false it keeps saying false (stepping again would start the
// query over). Text and Blob views are valid until the next Next().
class Cursor {
 public:
  Cursor(Cursor&& other) noexcept
      : db_(other.db_),
        stmt_(std::exchange(other.stmt_, nullptr)),
        sql_(other.sql_),
        cached_(other.cached_),
        done_(other.done_) {}
  Cursor& operator=(Cursor&&) = delete;
  ~Cursor();

  [[nodiscard]] StatusOr<bool> Next();

  [[nodiscard]] bool IsNull(int column) const;
  [[nodiscard]] int64_t Int(int column) const;  // 0 for NULL
  [[nodiscard]] double Double(int column) const;
  [[nodiscard]] std::string_view Text(int column) const;  // "" for NULL
  [[nodiscard]] std::string_view Bytes(int column) const;
  [[nodiscard]] std::string String(int column) const { return std::string(Text(column)); }
  [[nodiscard]] bool Bool(int column) const { return Int(column) != 0; }
  [[nodiscard]] std::optional<int64_t> OptInt(int column) const;
  [[nodiscard]] std::optional<bool> OptBool(int column) const;
  [[nodiscard]] std::optional<double> OptDouble(int column) const;
  [[nodiscard]] std::optional<std::string> OptString(int column) const;
  [[nodiscard]] std::optional<UtcMillis> OptTime(int column) const;
  [[nodiscard]] UtcMillis Time(int column) const { return UtcMillis{Int(column)}; }
  template <typename IdType>
  [[nodiscard]] IdType Key(int column) const {
    return IdType{Int(column)};
  }

 private:
  friend class Db;
  Cursor(Db* db, sqlite3_stmt* stmt, const char* sql, bool cached)
      : db_(db), stmt_(stmt), sql_(sql), cached_(cached) {}

  Db* db_;
  sqlite3_stmt* stmt_;
  const char* sql_;
  bool cached_;
  bool done_ = false;
};

}  // namespace selftune::store
