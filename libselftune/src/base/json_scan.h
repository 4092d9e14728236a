// Reads JSON where nothing may be loaded or allocated: the hook program lives
// for a millisecond. Everything else uses base/json_value.h or json_object.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace selftune::base {

// A value as it stands in the text. Views point into the scanned text.
struct JsonSpan {
  enum class Kind : uint8_t { kMissing, kNull, kBool, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kMissing;
  bool escaped = false;        // a string with a backslash in it
  std::string_view text = {};  // of a string without its quotes, else the whole value

  [[nodiscard]] bool is_string() const { return kind == Kind::kString; }
  [[nodiscard]] bool is_object() const { return kind == Kind::kObject; }
  [[nodiscard]] bool present() const { return kind != Kind::kMissing && kind != Kind::kNull; }
  [[nodiscard]] bool IsTrue() const { return kind == Kind::kBool && text == "true"; }
  [[nodiscard]] bool IsFalse() const { return kind == Kind::kBool && text == "false"; }
  // A string that reads `plain` once unescaped.
  [[nodiscard]] bool Is(std::string_view plain) const;
  // Text of a string, unescaped; an unpaired surrogate becomes U+FFFD. Bytes
  // that are no UTF-8 stay as they are. "" if not a string.
  [[nodiscard]] std::string ToString() const;
};

// Walks the members of one object, in order, checking the grammar as it goes:
//
//   JsonScan scan(text);
//   while (scan.Next()) {
//     if (scan.key().Is("prompt")) prompt = scan.value();
//   }
//   if (!scan.complete()) ...   // malformed, or cut off
//
// Stop early where the rest does not matter. Linear; the memory is this object
// whatever the depth. Nesting above kMaxDepth is an error. Duplicate keys are
// handed out as they come.
class JsonScan {
 public:
  static constexpr size_t kMaxDepth = 512;

  // `text` outlives the scan; white space around the object is fine.
  explicit JsonScan(std::string_view text) : text_(text) {}

  [[nodiscard]] bool Next();
  [[nodiscard]] const JsonSpan& key() const { return key_; }
  [[nodiscard]] const JsonSpan& value() const { return value_; }
  // The object ended and nothing follows it.
  [[nodiscard]] bool complete() const { return state_ == State::kEnd; }
  [[nodiscard]] bool failed() const { return state_ == State::kFailed; }
  // Where the scan stands; of a failed one, near what is wrong.
  [[nodiscard]] size_t position() const { return pos_; }

 private:
  enum class State : uint8_t { kStart, kMember, kEnd, kFailed };

  bool Fail();
  bool Finish();
  void SkipSpace();
  [[nodiscard]] char Peek() const { return pos_ < text_.size() ? text_[pos_] : '\0'; }
  bool Take(char c);
  bool String(JsonSpan& out);
  bool Key(JsonSpan& out);  // with the colon
  bool Literal(std::string_view word);
  bool Number();
  bool Scalar();
  bool Value(JsonSpan& out);
  bool Nested();

  std::string_view text_;
  size_t pos_ = 0;
  State state_ = State::kStart;
  JsonSpan key_, value_;
};

}  // namespace selftune::base
