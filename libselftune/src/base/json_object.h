// Forward-only access to one JSON object per line, over simdjson On-Demand.
//
// The first structural error is remembered and every later access returns it:
// On-Demand must not be touched again after an error (it is undefined
// behaviour), so this wrapper is the only way readers see a document.
//
//   LineParser parser;                       // one per thread, reused
//   Status s = parser.ForEachField(line, [&](std::string_view key, JsonField value) {
//     if (key == "type") type = value.String();
//     else if (key == "message") value.ForEachField(...);
//   });
//
// Fields that are not touched are skipped, which is nearly free; strings are
// unescaped only when asked for. Views returned by String() are valid until
// the next line is parsed: copy what must live longer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include <absl/functional/function_ref.h>

#include "base/error.h"

namespace selftune::base {

class JsonField;
using FieldFn = absl::FunctionRef<void(std::string_view key, JsonField& value)>;
using ItemFn = absl::FunctionRef<void(JsonField& value)>;

// A value in the current document. Consume it at most once.
class JsonField {
 public:
  enum class Type { kNull, kBool, kNumber, kString, kArray, kObject, kError };

  JsonField(void* value, void* state) : value_(value), state_(state) {}

  [[nodiscard]] Type type();
  // nullopt when the value has another type (not an error of the document).
  [[nodiscard]] std::optional<std::string_view> String();
  [[nodiscard]] std::optional<int64_t> Int();
  [[nodiscard]] std::optional<double> Double();
  [[nodiscard]] std::optional<bool> Bool();
  [[nodiscard]] bool IsNull();
  // Calls `fn` for each member or item; does nothing for another type.
  void ForEachField(FieldFn fn);
  void ForEachItem(ItemFn fn);
  // Text of the value exactly as in the document (valid like String()).
  [[nodiscard]] std::string_view RawJson();

 private:
  void* value_;  // simdjson::ondemand::value
  void* state_;  // sticky error of the document
};

// Not thread-safe; keeps simdjson's buffers between lines.
class LineParser {
 public:
  LineParser();
  ~LineParser();
  LineParser(LineParser&&) noexcept;
  LineParser& operator=(LineParser&&) noexcept;

  // Makes room for lines of up to `bytes` at once.
  void Reserve(size_t bytes);

  // Parses `line`, which must be one JSON object, and calls `fn` for each
  // field in document order. `line` must be followed by at least 64 readable
  // bytes (simdjson reads, never uses, them). Fails with INVALID_REQUEST when
  // the text is not one well-formed JSON object in valid UTF-8; `fn` may have
  // been called for fields before the damage.
  [[nodiscard]] Status ForEachField(std::string_view line, FieldFn fn);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace selftune::base
