// The two flow-control macros; both return early from a function that returns
// Status or StatusOr.
#pragma once

#include <utility>

#include "base/error.h"

#define ST_CONCAT_INNER(a, b) a##b
#define ST_CONCAT(a, b) ST_CONCAT_INNER(a, b)

// ST_RETURN_IF_ERROR(txn.Add(row));
#define ST_RETURN_IF_ERROR(expr) ST_RETURN_IF_ERROR_IMPL(ST_CONCAT(st_status_, __LINE__), expr)
#define ST_RETURN_IF_ERROR_IMPL(var, expr)                      \
  do {                                                          \
    if (::selftune::Status var = (expr); !var.ok()) return var; \
  } while (false)

// ST_ASSIGN_OR_RETURN(auto rows, reader.Read(chunk));
#define ST_ASSIGN_OR_RETURN(lhs, expr) \
  ST_ASSIGN_OR_RETURN_IMPL(ST_CONCAT(st_or_, __LINE__), lhs, expr)
#define ST_ASSIGN_OR_RETURN_IMPL(var, lhs, expr) \
  auto var = (expr);                             \
  if (!var.ok()) return std::move(var).status(); \
  lhs = *std::move(var)
