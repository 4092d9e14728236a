// Where the reference's database is, and a private copy of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/env.h"
#include "base/error.h"

namespace selftune::upstream {

// What changes when its program writes to the database.
struct SourceStamp {
  std::string text;
  friend bool operator==(const SourceStamp&, const SourceStamp&) = default;
};
[[nodiscard]] StatusOr<SourceStamp> StampOf(const std::string& path);

// True when the file is a database with tables of the reference and without our mark.
// Reads its first page only.
[[nodiscard]] StatusOr<bool> IsForeignDatabase(const std::string& path);

// Does another process have the database open? Its last act would be to remove the log
// by its name, whosever that is by then.
[[nodiscard]] bool IsOpenElsewhere(const std::string& path);

// Databases of the reference at the places where it, or an earlier import, puts them.
[[nodiscard]] std::vector<std::string> FindDatabases(const base::Environment& env,
                                                     const std::string& store_path);

// Copies the database and its log to `to`, as they were at one moment, without a lock and
// without writing anything beside it. STORE_BUSY when its program never pauses.
[[nodiscard]] StatusOr<SourceStamp> CopyDatabase(const std::string& path, const std::string& to,
                                                 const base::Cancel* cancel);

}  // namespace selftune::upstream
