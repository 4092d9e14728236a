// What a row of table `install` says about a file besides its columns, and whose
// row a file is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "install/file_change.h"
#include "store/install_rows.h"

namespace selftune::install {

struct Ours {
  std::string before;             // hash of what was there; "" = not to be put back
  uint32_t mode = 0;              // of a person's file that ours replaced; 0 = unknown
  std::string former;             // of our file that a run cut off may have left; "" = none
  std::vector<std::string> made;  // containers
  std::vector<std::string> dirs;  // folders
};
[[nodiscard]] Ours OursOf(const store::InstallRow& row);
[[nodiscard]] std::string ToJson(const Ours& ours);
// Is a person's file that ours replaced in the row's keeping? It is the only copy.
[[nodiscard]] bool HoldsTheirs(const store::InstallRow& row);
// Is a file of this hash as one of our runs left it, also one that was cut off?
[[nodiscard]] bool IsAsLeft(const store::InstallRow& row, std::string_view sha256);

// nullptr: none.
[[nodiscard]] const store::InstallRow* FindRow(const std::vector<store::InstallRow>& rows,
                                               std::string_view path, std::string_view kind);

// The row of a file that stood elsewhere when it was written, as when its project was
// moved: of that name, byte for byte as we left it, and gone from there. Nothing when
// several such rows differ in what was before. Its folders are those of the new place.
struct MovedRow {
  std::string former_path;  // "" = there is none
  store::InstallRow row;
};
[[nodiscard]] MovedRow FindMovedRow(const std::vector<store::InstallRow>& rows,
                                    std::string_view kind, const FileText& file);

// The file carries kManagedMark as we write it: a comment of its own near the top, or a
// JSON member.
[[nodiscard]] bool IsManaged(std::string_view bytes);

}  // namespace selftune::install
