// What the store believes to be installed, for comparison with the disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "store/db.h"

namespace selftune::store {

// A row of skill_location, without what never changes for its key.
struct KnownLocation {
  std::string skill_key;  // ASCII-lowercased name
  std::string path;
  std::string scope, registry_dir, project_root, real_path;
  int64_t dev = 0, inode = 0;
  std::string content_sha256;  // raw
  std::optional<bool> implicit_allowed, in_git;
  int64_t size = 0, mtime_ns = 0, ctime_ns = 0;  // of the file before it was hashed
  UtcMillis last;                                // when the row was written
};
// Sorted by path, then skill.
[[nodiscard]] StatusOr<std::vector<KnownLocation>> KnownLocations(Db& db);
// Names of the skills that have a place, as the hosts write them.
[[nodiscard]] StatusOr<std::vector<std::string>> InstalledNames(Db& db);
// The file is gone; what was seen of its content stays. Inside a WriteTxn.
[[nodiscard]] Status RemoveLocation(Db& db, const KnownLocation& location);

}  // namespace selftune::store
