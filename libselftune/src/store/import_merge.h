// The second half of an import: what a store lacks of another one.
#pragma once

#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "store/db.h"
#include "store/import.h"
#include "store/table_shape.h"

namespace selftune::store {

// What MergeStores would do. CONFLICTED names the first row that is here with
// another content. Derived tables and housekeeping are not compared.
[[nodiscard]] StatusOr<std::vector<ImportedTable>> CompareStores(
    Db& target, const std::string& other, const std::vector<TableShape>& tables);

// Compares again and adds what is missing, in one transaction.
[[nodiscard]] StatusOr<std::vector<ImportedTable>> MergeStores(
    Db& target, const std::string& other, const std::vector<TableShape>& tables,
    const base::Cancel* cancel);

}  // namespace selftune::store
