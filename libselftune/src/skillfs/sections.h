// The Markdown body of a SKILL.md by its headings, and edits that leave the
// rest byte-identical. A heading inside a fenced code block is none.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "skillfs/frontmatter.h"

namespace selftune::skillfs {

// From a `## ` heading to the next one or the end.
struct SkillSection {
  std::string name;  // text of the heading
  ByteSpan heading;  // its line, line end included
  ByteSpan text;
};

struct SkillSections {
  size_t body_offset = 0;            // after the frontmatter
  std::optional<std::string> title;  // of the first `# ` heading before any section
  ByteSpan title_line;               // line end included; empty at body_offset without title
  ByteSpan intro;                    // from the title to the first section
  std::vector<SkillSection> sections;

  // The first section whose heading is `name` or begins with `name` and a
  // blank; nullptr if none.
  [[nodiscard]] const SkillSection* Find(std::string_view name) const;
};

[[nodiscard]] SkillSections FindSections(std::string_view bytes);

// `bytes` with the text below heading `name` replaced: heading, blank line,
// text, blank line. Without such a section one is added at the end. Line ends
// are those of the file. Fails with INVALID_FRONTMATTER as ReplaceDescription,
// and with INVALID_REQUEST when `text` is blank, leaves a code fence open or
// has a `## ` heading of its own: it would not be one section.
[[nodiscard]] StatusOr<std::string> ReplaceSection(std::string_view bytes, std::string_view name,
                                                   std::string_view text);

// `bytes` with everything after the title replaced by `body`.
[[nodiscard]] StatusOr<std::string> ReplaceBody(std::string_view bytes, std::string_view body);

}  // namespace selftune::skillfs
