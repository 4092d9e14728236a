// One change of a file that is not ours: what we read is what we replace, or
// nothing happens. Links are followed; mode, owner and attributes stay.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace selftune::install {

// A file as it was read.
struct FileText {
  std::string path;       // as named
  std::string real_path;  // links resolved
  bool exists = false;
  bool is_link = false;
  std::string bytes;
  std::string sha256;  // 64 hex characters; "" when there is no file
};

// FILE_UNREADABLE for a link that leads nowhere and for whatever is no regular
// file, FILE_TOO_LARGE above 8 MiB.
[[nodiscard]] StatusOr<FileText> ReadFileText(const std::string& path);

// What a run that was killed left beside the file: its own half-written bytes and
// those of `known_sha256` go, others are somebody's text and get a name that says so.
[[nodiscard]] Status ClearLeftovers(const FileText& file,
                                    const std::vector<std::string>& known_sha256);

// Folders above `path` that do not exist, outermost first.
[[nodiscard]] std::vector<std::string> MissingDirs(const std::string& path);

// Writes `bytes`, if the file is still as it was read (FILE_CHANGED otherwise).
// A new file gets `mode`; missing folders are made and named in `made_dirs`,
// outermost first. The caller holds the lock of installing. `known`: contents that
// a run that was killed may have left beside the file.
[[nodiscard]] Status WriteFileText(const FileText& before, std::string_view bytes, uint32_t mode,
                                   std::vector<std::string>& made_dirs,
                                   const std::vector<std::string>& known_sha256);

// Removes the file, if it is still as it was read.
[[nodiscard]] Status RemoveFileText(const FileText& before);

// What stands where the folder or one above it belongs and is none: a file, or a link that
// leads nowhere. "" = nothing.
[[nodiscard]] std::string InTheWay(const std::string& folder);

// Removes those of `dirs` that are empty, the innermost first.
void RemoveEmptyDirs(const std::vector<std::string>& dirs);

}  // namespace selftune::install
