// Keys and scalar values of a YAML block mapping, with their byte places.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "skillfs/text_lines.h"

namespace selftune::skillfs {

struct YamlKey {
  std::string name;        // without quotes
  size_t after_colon = 0;  // byte just past the colon
};

// The key that starts exactly at `begin` of a line that ends at `end`:
// `[A-Za-z0-9_][A-Za-z0-9_.-]*` or quoted, blanks, a colon, then a blank or
// the end of the line.
[[nodiscard]] std::optional<YamlKey> ReadYamlKey(std::string_view bytes, size_t begin, size_t end);

enum class YamlStyle { kEmpty, kPlain, kSingle, kDouble, kLiteral, kFolded };

// Header of a block scalar: `|` or `>`, then digit and sign in either order.
struct BlockHeader {
  size_t end = 0;     // just past the last indicator
  int digit = 0;      // 0 = none
  char chomp = ' ';   // '-', '+', or ' ' for clip
  size_t indent = 0;  // of the content, in spaces; 0 = there is no content
};

struct YamlValue {
  YamlStyle style = YamlStyle::kEmpty;
  size_t begin = 0;  // the value is [begin, end); both after_colon when empty
  size_t end = 0;
  size_t first_line = 0;  // lines that hold the value; the key's line when empty
  size_t last_line = 0;
  std::string text;  // decoded, not trimmed; a block without its final line end
  BlockHeader block;
  bool on_next_line = false;    // the key's line holds no value
  bool comment_before = false;  // a comment stands between key and value
  std::string_view error;       // "" or a code of frontmatter_codes.h
};

// Reads the value after the colon at `after_colon` - 1 on `lines[index]`. The
// mapping is indented by `parent_indent` spaces.
[[nodiscard]] YamlValue ReadYamlValue(std::string_view bytes, std::span<const TextLine> lines,
                                      size_t index, size_t after_colon, size_t parent_indent);

}  // namespace selftune::skillfs
