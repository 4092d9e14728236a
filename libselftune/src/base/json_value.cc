#include "base/json_value.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <simdjson.h>

#include "base/json_writer.h"
#include "base/thrown.h"

namespace selftune::base {
namespace {

namespace dom = simdjson::dom;

constexpr int kMaxDepth = 64;

// The library chooses its kernel at the first use, in functions that may not
// throw; done when we are loaded, it cannot run out of memory later.
[[maybe_unused]] const std::string kKernel = simdjson::get_active_implementation()->name();

StatusOr<JsonValue> Convert(const dom::element& element, int depth);

StatusOr<JsonValue> ConvertArray(const dom::array& array, int depth) {
  std::vector<JsonValue> items;
  for (const dom::element item : array) {
    auto value = Convert(item, depth + 1);
    if (!value.ok()) return value;
    items.push_back(*std::move(value));
  }
  return JsonValue::Array(std::move(items));
}

// Tells a key that comes again. Objects are small as a rule, so a few keys are
// compared one by one and only more of them are hashed.
class KeyCheck {
 public:
  // False when `key` was there before. It must outlive this object.
  bool Add(std::string_view key) {
    if (keys_.size() < kFew) {
      if (std::find(keys_.begin(), keys_.end(), key) != keys_.end()) return false;
      keys_.push_back(key);
      return true;
    }
    if (hashed_.empty()) hashed_.insert(keys_.begin(), keys_.end());
    return hashed_.insert(key).second;
  }

 private:
  static constexpr size_t kFew = 16;
  std::vector<std::string_view> keys_;
  std::unordered_set<std::string_view> hashed_;
};

StatusOr<JsonValue> ConvertObject(const dom::object& object, int depth) {
  std::vector<JsonValue::Member> members;
  KeyCheck keys;
  for (const auto field : object) {
    if (!keys.Add(field.key)) {
      return Fail(kInvalidRequest, "reading JSON: key \"{}\" appears twice", field.key);
    }
    auto value = Convert(field.value, depth + 1);
    if (!value.ok()) return value;
    members.emplace_back(std::string(field.key), *std::move(value));
  }
  return JsonValue::Object(std::move(members));
}

StatusOr<JsonValue> Convert(const dom::element& element, int depth) {
  const auto type = element.type();
  const bool nested = type == dom::element_type::ARRAY || type == dom::element_type::OBJECT;
  if (nested && depth > kMaxDepth) {
    return Fail(kInvalidRequest, "reading JSON: nested deeper than {}", kMaxDepth);
  }
  switch (type) {
    case dom::element_type::ARRAY:
      return ConvertArray(element.get_array().value_unsafe(), depth);
    case dom::element_type::OBJECT:
      return ConvertObject(element.get_object().value_unsafe(), depth);
    case dom::element_type::INT64:
      return JsonValue::Int(element.get_int64().value_unsafe());
    case dom::element_type::UINT64:
      return JsonValue::WideInt(element.get_double().value_unsafe());
    case dom::element_type::DOUBLE:
      return JsonValue::Double(element.get_double().value_unsafe());
    case dom::element_type::STRING:
      return JsonValue::Text(std::string(element.get_string().value_unsafe()));
    case dom::element_type::BOOL:
      return JsonValue::Bool(element.get_bool().value_unsafe());
    case dom::element_type::NULL_VALUE:
      return JsonValue();
  }
  return JsonValue();
}

void Write(const JsonValue& value, JsonWriter& out) {
  switch (value.type()) {
    case JsonValue::Type::kNull:
      out.Null();
      return;
    case JsonValue::Type::kBool:
      out.Bool(value.AsBool());
      return;
    case JsonValue::Type::kInt:
      out.Int(value.AsInt());
      return;
    case JsonValue::Type::kDouble:
      out.Double(value.AsDouble());
      return;
    case JsonValue::Type::kString:
      out.String(value.AsString());
      return;
    case JsonValue::Type::kArray:
      out.BeginArray();
      for (const JsonValue& item : value.items()) Write(item, out);
      out.EndArray();
      return;
    case JsonValue::Type::kObject:
      out.BeginObject();
      for (const auto& [key, member] : value.members()) {
        out.Key(key);
        Write(member, out);
      }
      out.EndObject();
      return;
  }
}

}  // namespace

StatusOr<JsonValue> JsonValue::Parse(std::string_view text) {
  dom::parser parser;
  dom::element root;
  if (text.data() == nullptr) text = "";  // copied by its address, however short
  const auto code = parser.parse(text.data(), text.size()).get(root);
  if (code == simdjson::MEMALLOC) ThrowNoMemory();
  if (code != simdjson::SUCCESS) {
    return Fail(kInvalidRequest, "reading JSON: {}", simdjson::error_message(code));
  }
  return Convert(root, 1);
}

bool JsonValue::AsBool(bool fallback) const { return is_bool() ? bool_ : fallback; }

int64_t JsonValue::AsInt(int64_t fallback) const { return is_int() ? int_ : fallback; }

double JsonValue::AsDouble(double fallback) const {
  if (is_int()) return static_cast<double>(int_);
  return type_ == Type::kDouble ? double_ : fallback;
}

const std::string& JsonValue::AsString() const {
  static const auto* const empty = new std::string;  // may be asked for while the process ends
  return is_string() ? string_ : *empty;
}

const JsonValue& JsonValue::operator[](std::string_view key) const {
  static const auto* const null = new JsonValue;
  for (const auto& [name, value] : members_) {
    if (name == key) return value;
  }
  return *null;
}

bool JsonValue::Has(std::string_view key) const {
  for (const auto& [name, value] : members_) {
    if (name == key) return true;
  }
  return false;
}

std::string JsonValue::ToJson() const {
  JsonWriter out;
  Write(*this, out);
  return std::move(out).Take();
}

JsonValue JsonValue::Object(std::vector<Member> members) {
  JsonValue value;
  value.type_ = Type::kObject;
  value.members_ = std::move(members);
  return value;
}

JsonValue JsonValue::Array(std::vector<JsonValue> items) {
  JsonValue value;
  value.type_ = Type::kArray;
  value.items_ = std::move(items);
  return value;
}

JsonValue JsonValue::Text(std::string text) {
  JsonValue value;
  value.type_ = Type::kString;
  value.string_ = std::move(text);
  return value;
}

JsonValue JsonValue::Int(int64_t number) {
  JsonValue value;
  value.type_ = Type::kInt;
  value.int_ = number;
  return value;
}

JsonValue JsonValue::WideInt(double value) {
  JsonValue out = Double(value);
  out.wide_int_ = true;
  return out;
}

JsonValue JsonValue::Double(double number) {
  JsonValue value;
  value.type_ = Type::kDouble;
  value.double_ = number;
  return value;
}

JsonValue JsonValue::Bool(bool flag) {
  JsonValue value;
  value.type_ = Type::kBool;
  value.bool_ = flag;
  return value;
}

}  // namespace selftune::base
