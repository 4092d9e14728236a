// What the store believes to be installed, for comparison with the disk.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/db.h"

namespace selftune::store {

struct KnownLocation {
  std::string skill_key;  // ASCII-lowercased name
  std::string path;
  std::string content_sha256;  // raw
  std::string scope;
};
// Sorted by path, then skill.
[[nodiscard]] StatusOr<std::vector<KnownLocation>> KnownLocations(Db& db);
// The file is gone; what was seen of its content stays. Inside a WriteTxn.
[[nodiscard]] Status RemoveLocation(Db& db, const KnownLocation& location);

}  // namespace selftune::store
