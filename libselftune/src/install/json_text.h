// A person's JSON file as text: parsed to where things stand, changed piece by
// piece, every other byte kept. Values are read with base/json_value.h.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_value.h"

namespace selftune::install {

enum class JsonDialect {
  kPlain,     // what JSON.parse takes
  kComments,  // the same with // and /* */ between tokens
  // For reading alone; nothing is changed in such a text.
  kTrailingCommas,  // the same, and a comma may stand behind the last item
  kJson5,           // what JSON5 adds to that: names and texts as in JavaScript, more numbers
};

struct JsonItem;

// A value and where it stands in the text.
struct JsonNode {
  enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };
  Kind kind = Kind::kNull;
  size_t begin = 0, end = 0;
  size_t tail = 0;  // of a container: the white space before its closing bracket
  std::vector<JsonItem> items;

  // Member of an object, the last of that name as hosts read it; nullptr.
  [[nodiscard]] const JsonItem* Find(std::string_view key) const;
  // How many members have this name.
  [[nodiscard]] size_t Count(std::string_view key) const;
  [[nodiscard]] bool is_object() const { return kind == Kind::kObject; }
  [[nodiscard]] bool is_array() const { return kind == Kind::kArray; }
};

// A member of an object, or an element of an array.
struct JsonItem {
  std::string key;
  size_t lead = 0;            // the white space directly before it
  size_t begin = 0;           // of the key, or of the element
  bool ends_comment = false;  // that white space ends a // comment
  size_t comma = npos;        // the one behind it, npos if it is the last
  JsonNode value;
  static constexpr size_t npos = static_cast<size_t>(-1);
};

// SETTINGS_INVALID: says line, column, what was expected and what was found.
// A byte order mark at the start is fine.
[[nodiscard]] StatusOr<JsonNode> ParseJsonText(std::string_view text, JsonDialect dialect,
                                               std::string_view path);

// The value of a node, without its comments. Duplicate keys: the last one. A number that the
// reader of plain JSON does not know, or no double is large enough for, is infinite.
[[nodiscard]] base::JsonValue ValueOf(std::string_view text, const JsonNode& node);

// How a file is laid out.
struct JsonStyle {
  std::string unit = "  ";  // one step of indentation
  std::string newline = "\n";
};
[[nodiscard]] JsonStyle StyleOf(std::string_view text, const JsonNode& root);

// `value` over several lines; the first has no indentation, the others `indent`
// and more.
[[nodiscard]] std::string Pretty(const base::JsonValue& value, const JsonStyle& style,
                                 std::string_view indent);

// Each gives the whole text after one change. `depth` of the container: 0 is the
// document. The text parses again, and Remove undoes Append byte for byte.
[[nodiscard]] std::string AppendItem(std::string_view text, const JsonNode& container, size_t depth,
                                     const JsonStyle& style, std::string_view key,
                                     const base::JsonValue& value);
[[nodiscard]] std::string RemoveItem(std::string_view text, const JsonNode& container, size_t depth,
                                     const JsonStyle& style, size_t index);
[[nodiscard]] std::string ReplaceItem(std::string_view text, const JsonNode& container,
                                      size_t depth, const JsonStyle& style, size_t index,
                                      const base::JsonValue& value);

}  // namespace selftune::install
