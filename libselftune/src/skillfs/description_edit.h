// Replaces the description of a SKILL.md and leaves every other byte alone.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"

namespace selftune::skillfs {

struct EditResult {
  std::string bytes;
  std::string description;  // as it reads back: line ends LF, trimmed
  // Longest common prefix of old and new bytes, and the longest common suffix
  // of what follows it.
  size_t common_prefix_bytes = 0;
  size_t common_suffix_bytes = 0;
  [[nodiscard]] bool changed(std::string_view old_bytes) const { return bytes != old_bytes; }
};

// The style of the old value is kept where it can hold the new text; without
// frontmatter one is put before the text, with `directory_name` as the name.
//
// The result reads back as exactly the new description with all other keys and
// the body unchanged, or there is no result: INVALID_FRONTMATTER with details
// {"reason":"<code>"}, a code of frontmatter_codes.h. Doing it twice changes
// nothing more.
[[nodiscard]] StatusOr<EditResult> ReplaceDescription(std::string_view bytes,
                                                      std::string_view new_description,
                                                      std::string_view directory_name);

// The description text that would be stored: CRLF and CR become LF, trimmed.
[[nodiscard]] std::string NormalizeDescription(std::string_view text);

// The refusal code of a failed edit, "" for other failures.
[[nodiscard]] std::string RefusalReason(const Status& status);

}  // namespace selftune::skillfs
