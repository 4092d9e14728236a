// Statements whose text is made from our own schema (a table's copy, its check)
// and values of any type. Names never come from a request.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "store/any_value.h"
#include "store/db.h"

struct sqlite3_stmt;

namespace selftune::store::internal {

struct FinalizeStatement {
  void operator()(sqlite3_stmt* stmt) const;
};
using AnyStatement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

[[nodiscard]] StatusOr<AnyStatement> PrepareAny(Db& db, const std::string& sql,
                                                std::string_view doing);
// True on a row, false at the end.
[[nodiscard]] StatusOr<bool> StepAny(Db& db, sqlite3_stmt* stmt, std::string_view doing);
// Number in the first column of the first row; 0 when there is none.
[[nodiscard]] StatusOr<int64_t> CountOf(Db& db, const std::string& sql, std::string_view doing);

using AnyValue = LooseValue;

// The value outlives the next step. `index` counts from 1.
[[nodiscard]] Status BindAny(Db& db, sqlite3_stmt* stmt, int index, const AnyValue& value);
Status BindAny(Db& db, sqlite3_stmt* stmt, int index, AnyValue&& value) = delete;
// For messages: 12, 0.5, 'text', x'00ff', NULL; long ones are cut.
[[nodiscard]] std::string Shown(const AnyValue& value);

}  // namespace selftune::store::internal
