// What selftune put outside its own folder: one row a file. Uninstalling walks
// these rows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "store/db.h"

namespace selftune::store {

struct InstallRow {
  std::string path;      // absolute
  std::string kind;      // hook plugin skill agent schedule other
  std::string platform;  // "" = of no host
  std::string ours;      // JSON object: what of the file is ours
  std::string sha256;    // 64 hex characters, of the file as it was left; "" = unknown
  bool created_file = false;
  std::string backup_path;  // "" = none
  std::string version;      // of the selftune that wrote it
  UtcMillis installed;
};

// By path.
[[nodiscard]] StatusOr<std::vector<InstallRow>> ReadInstalls(Db& db);
// Inside a WriteTxn. One row a path and kind: the last one counts.
[[nodiscard]] Status PutInstall(Db& db, const InstallRow& row);
// Inside a WriteTxn. Absent is fine.
[[nodiscard]] Status DropInstall(Db& db, std::string_view path, std::string_view kind);

}  // namespace selftune::store
