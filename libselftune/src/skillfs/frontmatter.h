// Lossless reading of SKILL.md: what a host sees in it, and where every value
// is to the byte.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace selftune::skillfs {

// Half-open range of bytes.
struct ByteSpan {
  size_t begin = 0;
  size_t end = 0;
  friend bool operator==(const ByteSpan&, const ByteSpan&) = default;
};

enum class DescriptionStyle { kMissing, kEmpty, kPlain, kSingle, kDouble, kLiteral, kFolded };
[[nodiscard]] std::string_view Name(DescriptionStyle style);  // "missing", "plain", ...

enum class LineEnds { kNone, kLf, kCrlf, kMixed };
[[nodiscard]] std::string_view Name(LineEnds ends);  // "none", "lf", "crlf", "mixed"

// A scalar of the top level, or of `metadata` as "metadata.<key>".
struct FrontmatterField {
  std::string path;
  std::string text;     // decoded and trimmed
  bool quoted = false;  // quoted or block: a string, whatever it looks like
};

// Texts are decoded YAML values without white space at their ends; an absent
// or unreadable value is nullopt. Codes: frontmatter_codes.h.
struct Frontmatter {
  bool bom = false;
  LineEnds eol = LineEnds::kNone;  // of the whole file
  bool has_frontmatter = false;
  std::optional<std::string> name;
  std::optional<std::string> description;
  DescriptionStyle description_style = DescriptionStyle::kMissing;
  std::optional<ByteSpan> description_span;
  std::optional<std::string> version;       // top level, else metadata.version
  std::vector<std::string> top_level_keys;  // in file order, repeats included
  std::optional<std::string> title;         // first `# ` heading outside code fences
  size_t body_offset = 0;                   // first byte after the frontmatter
  std::vector<std::string_view> warnings;
  std::vector<std::string_view> errors;
  std::vector<FrontmatterField> fields;

  // Text of the last field with that path.
  [[nodiscard]] std::optional<std::string_view> Field(std::string_view path) const;
  // The field says yes: true, in any case, quoted or not.
  [[nodiscard]] bool IsTrue(std::string_view path) const;
  [[nodiscard]] bool IsFalse(std::string_view path) const;
};

// Never fails: what is wrong is in `warnings` and `errors`. Linear time.
[[nodiscard]] Frontmatter ParseFrontmatter(std::string_view bytes);

// First `# ` heading of Markdown text outside ``` and ~~~ fences.
[[nodiscard]] std::optional<std::string> FirstHeading(std::string_view markdown);

// The boolean at "key" or "parent.key" of a small YAML file, e.g.
// "policy.allow_implicit_invocation"; nullopt if absent or not a boolean.
[[nodiscard]] std::optional<bool> YamlFlag(std::string_view yaml, std::string_view path);

}  // namespace selftune::skillfs
