// Schema versions: how a file gets from one to the next.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/db.h"

namespace selftune::store {

// Brings version from to from + 1, inside an exclusive transaction.
struct Migration {
  int from = 0;
  Status (*apply)(Db& db) = nullptr;
};

// In order; version 1 is made by the schema itself.
[[nodiscard]] std::span<const Migration> Migrations();

struct MigrateReport {
  int from = 0;
  int to = 0;
  std::string backup_path;  // "" when nothing had to change
};

// Backs the file up, then applies what is missing, one transaction a version:
// a crash leaves a valid older version, and the next call goes on from there.
[[nodiscard]] StatusOr<MigrateReport> Migrate(const std::string& store_path);

// For tests: the same with a list of one's own up to `target`.
[[nodiscard]] StatusOr<MigrateReport> MigrateWith(const std::string& store_path,
                                                  std::span<const Migration> migrations,
                                                  int target);

// Makes the schema of the current version in an empty database.
[[nodiscard]] Status CreateSchema(Db& db);

// Version 1 grew until the first release: what stores of earlier builds lack.
[[nodiscard]] Status AddMissingTables(Db& db);

// Makes the public views anew when their text differs from this program's.
[[nodiscard]] Status RefreshViews(Db& db);

// Names of the tables of this schema version, sorted.
[[nodiscard]] std::vector<std::string> SchemaTables();

// The SQL text of tables and views.
[[nodiscard]] std::string_view SchemaSql();
[[nodiscard]] std::string_view ViewsSql();

}  // namespace selftune::store
