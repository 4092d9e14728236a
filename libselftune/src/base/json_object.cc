#include "base/json_object.h"

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <simdjson.h>

#include "base/thrown.h"

namespace selftune::base {
namespace {

namespace od = simdjson::ondemand;

// The first structural error of the current document. INCORRECT_TYPE and
// NO_SUCH_FIELD leave the document usable; everything else does not.
struct DocumentState {
  simdjson::error_code error = simdjson::SUCCESS;

  [[nodiscard]] bool failed() const { return error != simdjson::SUCCESS; }
  void Record(simdjson::error_code code) {
    if (!failed() && code != simdjson::INCORRECT_TYPE && code != simdjson::NO_SUCH_FIELD &&
        code != simdjson::NUMBER_ERROR && code != simdjson::NUMBER_OUT_OF_RANGE) {
      error = code;
    }
  }
};

// simdjson's token texts run up to the next token.
std::string_view WithoutTail(std::string_view raw) {
  while (!raw.empty() &&
         (raw.back() == ' ' || raw.back() == '\t' || raw.back() == '\n' || raw.back() == '\r')) {
    raw.remove_suffix(1);
  }
  return raw;
}

od::value& Value(void* raw) { return *static_cast<od::value*>(raw); }
DocumentState& State(void* raw) { return *static_cast<DocumentState*>(raw); }

template <typename Object>
void WalkFields(Object&& object, DocumentState& state, FieldFn fn) {
  for (auto entry : object) {
    od::field field;
    if (const auto code = std::move(entry).get(field); code != simdjson::SUCCESS)
      return state.Record(code);
    std::string_view key;
    if (const auto code = field.unescaped_key().get(key); code != simdjson::SUCCESS) {
      return state.Record(code);
    }
    JsonField value(&field.value(), &state);
    fn(key, value);
    if (state.failed()) return;
  }
}

}  // namespace

JsonField::Type JsonField::type() {
  if (State(state_).failed()) return Type::kError;
  od::json_type type{};
  if (const auto code = Value(value_).type().get(type); code != simdjson::SUCCESS) {
    State(state_).Record(code);
    return Type::kError;
  }
  switch (type) {
    case od::json_type::array:
      return Type::kArray;
    case od::json_type::object:
      return Type::kObject;
    case od::json_type::number:
      return Type::kNumber;
    case od::json_type::string:
      return Type::kString;
    case od::json_type::boolean:
      return Type::kBool;
    case od::json_type::null:
      return Type::kNull;
  }
  return Type::kError;
}

std::optional<std::string_view> JsonField::String() {
  if (type() != Type::kString) return std::nullopt;
  std::string_view text;
  if (const auto code = Value(value_).get_string().get(text); code != simdjson::SUCCESS) {
    State(state_).Record(code);
    return std::nullopt;
  }
  return text;
}

std::optional<int64_t> JsonField::Int() {
  if (type() != Type::kNumber) return std::nullopt;
  int64_t number = 0;
  if (Value(value_).get_int64().get(number) == simdjson::SUCCESS) return number;
  double real = 0;
  if (const auto code = Value(value_).get_double().get(real); code != simdjson::SUCCESS) {
    State(state_).Record(code);
    return std::nullopt;
  }
  // Hosts write whole numbers with a fraction or exponent now and then.
  if (real < -9.0e18 || real > 9.0e18) return std::nullopt;
  return static_cast<int64_t>(real);
}

std::optional<double> JsonField::Double() {
  if (type() != Type::kNumber) return std::nullopt;
  double real = 0;
  if (const auto code = Value(value_).get_double().get(real); code != simdjson::SUCCESS) {
    State(state_).Record(code);
    return std::nullopt;
  }
  return real;
}

std::optional<bool> JsonField::Bool() {
  if (type() != Type::kBool) return std::nullopt;
  bool flag = false;
  if (Value(value_).get_bool().get(flag) != simdjson::SUCCESS) {
    // It starts like one but is none ("tru"), which is damage, not another type.
    State(state_).Record(simdjson::T_ATOM_ERROR);
    return std::nullopt;
  }
  return flag;
}

bool JsonField::IsNull() {
  if (type() != Type::kNull) return false;
  if (WithoutTail(Value(value_).raw_json_token()) == "null") return true;
  State(state_).Record(simdjson::N_ATOM_ERROR);
  return false;
}

void JsonField::ForEachField(FieldFn fn) {
  if (type() != Type::kObject) return;
  od::object object;
  if (const auto code = Value(value_).get_object().get(object); code != simdjson::SUCCESS) {
    return State(state_).Record(code);
  }
  WalkFields(object, State(state_), fn);
}

void JsonField::ForEachItem(ItemFn fn) {
  if (type() != Type::kArray) return;
  od::array array;
  if (const auto code = Value(value_).get_array().get(array); code != simdjson::SUCCESS) {
    return State(state_).Record(code);
  }
  for (auto entry : array) {
    od::value item;
    if (const auto code = std::move(entry).get(item); code != simdjson::SUCCESS) {
      return State(state_).Record(code);
    }
    JsonField field(&item, state_);
    fn(field);
    if (State(state_).failed()) return;
  }
}

std::string_view JsonField::RawJson() {
  if (State(state_).failed()) return {};
  std::string_view raw;
  const Type kind = type();
  if (kind == Type::kObject || kind == Type::kArray) {
    simdjson::error_code code = simdjson::SUCCESS;
    if (kind == Type::kObject) {
      od::object object;
      code = Value(value_).get_object().get(object);
      if (code == simdjson::SUCCESS) code = object.raw_json().get(raw);
    } else {
      od::array array;
      code = Value(value_).get_array().get(array);
      if (code == simdjson::SUCCESS) code = array.raw_json().get(raw);
    }
    if (code != simdjson::SUCCESS) State(state_).Record(code);
    return WithoutTail(raw);
  }
  return WithoutTail(Value(value_).raw_json_token());
}

struct LineParser::Impl {
  od::parser parser;
};

LineParser::LineParser() : impl_(std::make_unique<Impl>()) {}
LineParser::~LineParser() = default;
LineParser::LineParser(LineParser&&) noexcept = default;
LineParser& LineParser::operator=(LineParser&&) noexcept = default;

void LineParser::Reserve(size_t bytes) {
  if (impl_->parser.allocate(bytes) != simdjson::SUCCESS) ThrowNoMemory();
}

Status LineParser::ForEachField(std::string_view line, FieldFn fn) {
  DocumentState state;
  od::document document;
  const auto fail = [](simdjson::error_code code) {
    if (code == simdjson::MEMALLOC) ThrowNoMemory();  // not the line's fault
    return Fail(kInvalidRequest, "{}", simdjson::error_message(code));
  };
  // The contract of this function: the caller's buffer is padded.
  const simdjson::padded_string_view padded(line.data(), line.size(),
                                            line.size() + simdjson::SIMDJSON_PADDING);
  if (const auto code = impl_->parser.iterate(padded).get(document); code != simdjson::SUCCESS) {
    return fail(code);
  }
  od::object object;
  if (const auto code = document.get_object().get(object); code != simdjson::SUCCESS) {
    return fail(code);
  }
  WalkFields(object, state, fn);
  if (state.failed()) return fail(state.error);
  // Past the end there is no location; anything else is text after the object.
  const char* rest = nullptr;
  if (document.current_location().get(rest) == simdjson::SUCCESS) {
    return Fail(kInvalidRequest, "text after the object");
  }
  return absl::OkStatus();
}

}  // namespace selftune::base
