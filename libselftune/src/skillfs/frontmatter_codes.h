// Stable codes of what is wrong with a SKILL.md. Errors make a file unusable
// for editing; warnings do not, except a duplicate description.
#pragma once

#include <string_view>

namespace selftune::skillfs {

// The opening `---` has no closing one.
inline constexpr std::string_view kUnterminatedFrontmatter = "unterminated_frontmatter";
inline constexpr std::string_view kInvalidUtf8Frontmatter = "invalid_utf8_frontmatter";
// The frontmatter is a flow collection.
inline constexpr std::string_view kUnsupportedFrontmatter = "unsupported_frontmatter";
// The value is an anchor, alias, tag, flow or block collection.
inline constexpr std::string_view kUnsupportedNode = "unsupported_node";
inline constexpr std::string_view kUnterminatedQuote = "unterminated_quote";
inline constexpr std::string_view kTextAfterQuote = "text_after_quote";
inline constexpr std::string_view kInvalidEscape = "invalid_escape";
// A block scalar whose content is indented by a TAB.
inline constexpr std::string_view kTabIndentation = "tab_indentation";

// Warnings.
inline constexpr std::string_view kDuplicateDescription = "duplicate_description";
inline constexpr std::string_view kPlainContainsColonSpace = "plain_contains_colon_space";

// Refusals of the writer.
inline constexpr std::string_view kEmptyNewDescription = "empty_new_description";
inline constexpr std::string_view kInvalidUtf8NewDescription = "invalid_utf8_new_description";
// A comment stands between the key and a value on a later line.
inline constexpr std::string_view kCommentBeforeValue = "comment_before_value";
// The file would not read back as written: it is damaged in a way the reader
// tolerates.
inline constexpr std::string_view kNotRepresentable = "not_representable";

}  // namespace selftune::skillfs
