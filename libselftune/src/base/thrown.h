// The edge between us and what throws. The library itself throws nothing;
// dependencies do, above all std::bad_alloc.
#pragma once

#include "base/error.h"

namespace selftune::base {

// OUT_OF_MEMORY, made without allocating: the only status without words, which
// CodeOf() and Message() know.
[[nodiscard]] inline Status OutOfMemory() {
  return absl::Status(absl::StatusCode::kResourceExhausted, {});
}

// Of the exception that is being handled; call it from a catch block only.
// OUT_OF_MEMORY when memory or threads ran out, otherwise INTERNAL.
[[nodiscard]] Status Thrown() noexcept;

// For libraries that report missing memory instead of throwing: joins them to
// what containers do, so that there is one way up.
[[noreturn]] void ThrowNoMemory();

}  // namespace selftune::base
