// Names with dots in a text: addresses, files, libraries, versions.
#pragma once

#include <string_view>
#include <vector>

namespace selftune::evolution {

// "evil.example" in "[x](evil.example/y)", wherever it stands.
struct DottedName {
  std::string_view name;  // labels joined by single dots
  bool address = false;   // a path or a port follows
};
[[nodiscard]] std::vector<DottedName> DottedNames(std::string_view text);

// Could a browser open it? Not "e.g", "1.2", "report.docx" or "obj.some_field".
// Whether it is an address nobody can tell from its letters: "crates.io" and
// "System.IO" may both be meant well.
[[nodiscard]] bool MayBeHost(const DottedName& name);

// Does `text` have this name, case ignored?
[[nodiscard]] bool HasDottedName(std::string_view text, std::string_view name);

}  // namespace selftune::evolution
