// An owned JSON document, for small inputs read as a whole: requests, config,
// model replies, journals, saved reader state. Transcript lines use
// base/json_object.h instead.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace selftune::base {

class JsonValue {
 public:
  enum class Type { kNull, kBool, kInt, kDouble, kString, kArray, kObject };
  using Member = std::pair<std::string, JsonValue>;

  JsonValue() = default;

  // Fails with INVALID_REQUEST; the message says what and where.
  // Depth above 64 and duplicate keys are refused.
  [[nodiscard]] static StatusOr<JsonValue> Parse(std::string_view text);

  [[nodiscard]] Type type() const { return type_; }
  [[nodiscard]] bool is_null() const { return type_ == Type::kNull; }
  [[nodiscard]] bool is_bool() const { return type_ == Type::kBool; }
  [[nodiscard]] bool is_int() const { return type_ == Type::kInt; }
  [[nodiscard]] bool is_number() const { return type_ == Type::kInt || type_ == Type::kDouble; }
  // An integer from 2^63 on, which is kept as a double: its last digits are gone.
  [[nodiscard]] bool is_wide_int() const { return wide_int_; }
  [[nodiscard]] bool is_string() const { return type_ == Type::kString; }
  [[nodiscard]] bool is_array() const { return type_ == Type::kArray; }
  [[nodiscard]] bool is_object() const { return type_ == Type::kObject; }

  // Value if the type fits, else `fallback`.
  [[nodiscard]] bool AsBool(bool fallback = false) const;
  [[nodiscard]] int64_t AsInt(int64_t fallback = 0) const;
  [[nodiscard]] double AsDouble(double fallback = 0) const;
  [[nodiscard]] const std::string& AsString() const;  // "" if not a string

  [[nodiscard]] const std::vector<JsonValue>& items() const { return items_; }
  [[nodiscard]] const std::vector<Member>& members() const { return members_; }

  // Member of an object; a shared null value if absent or not an object.
  [[nodiscard]] const JsonValue& operator[](std::string_view key) const;
  [[nodiscard]] bool Has(std::string_view key) const;

  // Compact text; members in document order.
  [[nodiscard]] std::string ToJson() const;

  [[nodiscard]] static JsonValue Object(std::vector<Member> members);
  [[nodiscard]] static JsonValue Array(std::vector<JsonValue> items);
  [[nodiscard]] static JsonValue Text(std::string text);
  [[nodiscard]] static JsonValue Int(int64_t value);
  [[nodiscard]] static JsonValue Double(double value);
  [[nodiscard]] static JsonValue WideInt(double value);
  [[nodiscard]] static JsonValue Bool(bool value);

  friend bool operator==(const JsonValue&, const JsonValue&) = default;

 private:
  Type type_ = Type::kNull;
  bool bool_ = false;
  bool wide_int_ = false;
  int64_t int_ = 0;
  double double_ = 0;
  std::string string_;
  std::vector<JsonValue> items_;
  std::vector<Member> members_;
};

}  // namespace selftune::base
