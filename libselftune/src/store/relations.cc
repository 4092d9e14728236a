#include "store/relations.h"

#include <algorithm>
#include <array>

namespace selftune::store {
namespace {

#include "store/relations.gen.inc"

// In the order of ColumnKind, without kUnknown.
constexpr std::array<std::string_view, 6> kKindNames = {"bool", "int64", "float64",
                                                        "time", "utf8",  "dictionary"};

}  // namespace

std::string_view KindName(ColumnKind kind) {
  const auto index = static_cast<size_t>(kind);
  return index == 0 ? "unknown" : kKindNames[index - 1];
}

ColumnKind KindByName(std::string_view name) {
  const auto* it = std::find(kKindNames.begin(), kKindNames.end(), name);
  return it == kKindNames.end() ? ColumnKind::kUnknown
                                : static_cast<ColumnKind>(it - kKindNames.begin() + 1);
}

std::span<const std::string_view> KindNames() { return kKindNames; }

const RelationColumn* Relation::Find(std::string_view column) const {
  for (const RelationColumn& row : columns) {
    if (row.name == column) return &row;
  }
  return nullptr;
}

std::span<const Relation> Relations() { return kRelations; }

const Relation* FindRelation(std::string_view name) {
  for (const Relation& relation : kRelations) {
    if (relation.name == name) return &relation;
  }
  return nullptr;
}

std::span<const std::string_view> PublicViews() { return kViews; }

}  // namespace selftune::store
