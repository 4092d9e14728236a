// Where the parts of a SKILL.md are. Shared by the reader and the writer;
// others use frontmatter.h.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "skillfs/text_lines.h"
#include "skillfs/yaml_value.h"

namespace selftune::skillfs {

// One key of the top level, or of `metadata` one level down.
struct FrontmatterEntry {
  YamlKey key;
  size_t line = 0;  // index into FrontmatterScan::lines
  YamlValue value;
};

struct FrontmatterScan {
  bool bom = false;
  size_t text_begin = 0;         // after a byte order mark
  bool has_frontmatter = false;  // the first line is `---`
  TextLine open;
  std::vector<TextLine> lines;            // between the two `---`
  size_t body_offset = 0;                 // after the closing `---`; text_begin if there is none
  std::vector<FrontmatterEntry> entries;  // of the top level, in file order
  std::string_view error;                 // of the frontmatter as a whole, "" = none

  // The last entry of that name, nullptr if none.
  [[nodiscard]] const FrontmatterEntry* Find(std::string_view name) const;
};

// Line indexes of the scan stay valid only with the same `bytes`.
[[nodiscard]] FrontmatterScan ScanFrontmatter(std::string_view bytes);

// Top-level entries of a plain YAML file: no `---` needed, one at the start is
// skipped. For small metadata files beside a SKILL.md.
[[nodiscard]] FrontmatterScan ScanYaml(std::string_view bytes);

// Entries one level below `parent`, whose value is a block mapping.
[[nodiscard]] std::vector<FrontmatterEntry> ScanChildren(std::string_view bytes,
                                                         const FrontmatterScan& scan,
                                                         const FrontmatterEntry& parent);

}  // namespace selftune::skillfs
