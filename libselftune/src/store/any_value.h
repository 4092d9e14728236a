// A value as SQLite has it, whatever its type, and its way into and out of statements.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3_stmt;

namespace selftune::store {

struct LooseValue {
  enum class Type : uint8_t { kNull, kInt, kReal, kText, kBlob };
  Type type = Type::kNull;
  int64_t integer = 0;
  double real = 0;
  std::string bytes;  // of a text or blob
  friend bool operator==(const LooseValue&, const LooseValue&) = default;

  [[nodiscard]] static LooseValue Int(int64_t value);
  [[nodiscard]] static LooseValue Real(double value);
  [[nodiscard]] static LooseValue Text(std::string text);
  [[nodiscard]] bool is_null() const { return type == Type::kNull; }
  [[nodiscard]] bool is_number() const { return type == Type::kInt || type == Type::kReal; }
  // Numbers as digits; "" for NULL.
  [[nodiscard]] std::string AsText() const;
  // A whole number, also one that is spelled out; nullopt for anything else.
  [[nodiscard]] std::optional<int64_t> AsInt() const;
  [[nodiscard]] std::optional<double> AsReal() const;
};

namespace internal {

// Of a database in UTF-16 texts are UTF-8, too.
[[nodiscard]] LooseValue ValueAt(sqlite3_stmt* stmt, int column);
// SQLite's result code. `index` counts from 1; without `copy` the value outlives the
// next step.
[[nodiscard]] int BindValueAt(sqlite3_stmt* stmt, int index, const LooseValue& value, bool copy);
// Bytes of a text or blob; points into the statement.
[[nodiscard]] std::string_view BytesAt(sqlite3_stmt* stmt, int column);
// `name` in double quotes.
[[nodiscard]] std::string Quoted(std::string_view name);

}  // namespace internal
}  // namespace selftune::store
