// What may be read as tables: the public views with the types of their columns,
// and the datasets made from them (libselftune/api/views.toml).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace selftune::store {

// Types of an Arrow column. kUnknown: the values decide.
enum class ColumnKind : uint8_t {
  kUnknown,
  kBool,
  kInt64,
  kFloat64,
  kTimestamp,  // milliseconds, UTC
  kUtf8,
  kDictionary,  // utf8 of few different values
};

// "int64", "time" ...: the names of a request's `types`.
[[nodiscard]] std::string_view KindName(ColumnKind kind);
// kUnknown for a name that there is not.
[[nodiscard]] ColumnKind KindByName(std::string_view name);
// Names of all kinds but kUnknown.
[[nodiscard]] std::span<const std::string_view> KindNames();

struct RelationColumn {
  std::string_view name;
  ColumnKind kind = ColumnKind::kUtf8;
};

// A view or a dataset.
struct Relation {
  std::string_view name;
  std::string_view source;  // what stands behind FROM
  std::string_view time;    // column of since and until; "" = none
  std::span<const RelationColumn> columns;

  // nullptr if there is none.
  [[nodiscard]] const RelationColumn* Find(std::string_view column) const;
};

// All of them, by name.
[[nodiscard]] std::span<const Relation> Relations();
// nullptr if there is none.
[[nodiscard]] const Relation* FindRelation(std::string_view name);
// Names of the public views, sorted.
[[nodiscard]] std::span<const std::string_view> PublicViews();

}  // namespace selftune::store
