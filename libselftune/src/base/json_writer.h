// Streams JSON text into a buffer. Keys appear in call order; doubles are the
// shortest text that reads back equal; invalid UTF-8 becomes U+FFFD.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace selftune::base {

//   JsonWriter w;
//   w.BeginObject().Key("skill").String(name).Key("uses").Int(3).EndObject();
//   std::string text = std::move(w).Take();
//
// The caller keeps Begin/End and Key/value balanced; commas are automatic.
class JsonWriter {
 public:
  JsonWriter& BeginObject();
  JsonWriter& EndObject();
  JsonWriter& BeginArray();
  JsonWriter& EndArray();
  JsonWriter& Key(std::string_view key);

  JsonWriter& String(std::string_view text);
  JsonWriter& Int(int64_t value);
  JsonWriter& Double(double value);  // NaN and infinities become null
  JsonWriter& Bool(bool value);
  JsonWriter& Null();
  JsonWriter& Time(UtcMillis time);        // RFC 3339
  JsonWriter& Raw(std::string_view json);  // already valid JSON

  // Key and value in one call; the optional forms write null when empty.
  JsonWriter& Field(std::string_view key, std::string_view text) { return Key(key).String(text); }
  JsonWriter& Field(std::string_view key, const char* text) { return Key(key).String(text); }
  JsonWriter& Field(std::string_view key, const std::string& text) { return Key(key).String(text); }
  JsonWriter& Field(std::string_view key, int64_t value) { return Key(key).Int(value); }
  JsonWriter& Field(std::string_view key, int value) { return Key(key).Int(value); }
  JsonWriter& Field(std::string_view key, double value) { return Key(key).Double(value); }
  JsonWriter& Field(std::string_view key, bool value) { return Key(key).Bool(value); }
  JsonWriter& Field(std::string_view key, UtcMillis time) { return Key(key).Time(time); }
  template <typename T>
  JsonWriter& Field(std::string_view key, const std::optional<T>& value) {
    if (value.has_value()) return Field(key, *value);
    return Key(key).Null();
  }
  JsonWriter& NullField(std::string_view key) { return Key(key).Null(); }

  [[nodiscard]] std::string_view view() const { return out_; }
  [[nodiscard]] std::string Take() && { return std::move(out_); }

 private:
  void Separate();

  std::string out_;
  bool need_comma_ = false;
};

// `text` as a JSON string literal, quotes included.
[[nodiscard]] std::string JsonQuote(std::string_view text);

}  // namespace selftune::base
