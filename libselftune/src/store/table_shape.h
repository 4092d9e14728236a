// The tables of this schema version as data, for whatever treats all of them
// alike: export, import, salvage.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/any_statement.h"

namespace selftune::store {

struct ColumnShape {
  enum class Type : uint8_t { kInteger, kReal, kText, kBlob };
  std::string name;
  Type type = Type::kText;  // tables are STRICT
  bool not_null = false;
  int key = 0;  // place in the primary key from 1 on, 0 = not in it
};

struct TableShape {
  std::string name;
  std::vector<ColumnShape> columns;
  std::vector<int> key;  // columns of the primary key, in its order
  bool without_rowid = false;
  int rowid_column = -1;  // INTEGER PRIMARY KEY
  int root = 0;           // first page in a file that was just made
  int vacuumed_root = 0;  // and in one that was vacuumed

  [[nodiscard]] std::string ColumnList() const;  // "a","b"
  [[nodiscard]] std::string InsertSql(std::string_view verb) const;
  // "prompt 12", "session_tool 3 'Bash'"
  [[nodiscard]] std::string NameOf(std::span<const internal::AnyValue> row) const;
};

// Sorted by name.
[[nodiscard]] StatusOr<std::vector<TableShape>> SchemaShapes();

// Computed from other tables by triggers and at each commit.
[[nodiscard]] bool IsDerived(std::string_view table);
// What a new store has, too: versions, the change clock, known hosts.
[[nodiscard]] bool IsHousekeeping(std::string_view table);

}  // namespace selftune::store
