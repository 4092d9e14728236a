// A skill's folder as a whole: its files, and a fingerprint of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace selftune::skillfs {

struct PackageFile {
  std::string path;  // below the folder, with '/'
  bool executable = false;
  bool is_link = false;
  uint64_t size = 0;   // bytes; of a link, of its target's text
  std::string sha256;  // 64 hex characters; of a link, of its target's text
};

struct PackageTree {
  std::vector<PackageFile> files;  // sorted by path, byte by byte
  std::string fingerprint;         // "pkg2_sha256_" and 32 hex characters
};

// Reads every file below `skill_dir` except `.git`, `evals`, the litter of
// editors and systems, and what `.selftuneignore` lists: one pattern a line,
// `#` comments, `*` within a name, a trailing `/` for folders, a pattern with
// `/` inside is meant from the top.
//
// The fingerprint changes with any path, byte, x bit or link, and with nothing
// else. Fails with INVALID_REQUEST for a link that leaves the folder and for
// what is neither file, folder nor link; FILE_TOO_LARGE above 5,000 files or
// 256 MiB.
[[nodiscard]] StatusOr<PackageTree> ReadPackage(const std::string& skill_dir);

struct TrackedFile {
  std::string_view path;
  std::string_view bytes;
};

// The older fingerprint, "pkg_sha256_" and 16 hex characters, over the files a
// package manifest names; `files` in any order.
[[nodiscard]] std::string PackageFingerprintV1(std::string_view skill_file,
                                               std::span<const TrackedFile> files);

}  // namespace selftune::skillfs
