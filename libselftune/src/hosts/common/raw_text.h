// A JSON string as it stands in the document: compared without being copied,
// unescaped only when its text is kept. Big tool outputs are never touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace selftune::hosts {

//   RawText type(field.RawJson());
//   if (type.Is("user")) ...
//   std::string text = type.ToString();
//
// A default RawText, and one made from a token that is no string, is absent.
// Views into the document, which must outlive it.
class RawText {
 public:
  RawText() = default;
  // `token`: the JSON text of a value, trailing white space allowed.
  explicit RawText(std::string_view token);

  [[nodiscard]] bool present() const { return text_.data() != nullptr; }
  // Absent, or the empty string.
  [[nodiscard]] bool empty() const { return text_.empty(); }
  // Between the quotes, escapes as written.
  [[nodiscard]] std::string_view escaped() const { return text_; }

  [[nodiscard]] bool Is(std::string_view plain) const;
  [[nodiscard]] bool StartsWith(std::string_view plain) const;
  [[nodiscard]] std::string ToString() const { return Prefix(std::string_view::npos); }
  // At most `max_bytes` bytes of the text, never ending inside a character.
  [[nodiscard]] std::string Prefix(size_t max_bytes) const;

 private:
  std::string_view text_;
};

// A stable 64-bit key of a record's identity (a UUID).
[[nodiscard]] uint64_t RecordKey(std::string_view identity);

}  // namespace selftune::hosts
