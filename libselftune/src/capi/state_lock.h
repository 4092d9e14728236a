// Locks of operations that change files: one writer at a time, so that none undoes
// what another just wrote.
#pragma once

#include <string_view>

#include "base/error.h"
#include "base/lock_file.h"
#include "capi/context.h"

namespace selftune::capi {

// `<state>/locks/<name>.lock`, held by this operation. Each holds it for a moment, so
// it is waited for: five seconds, then LOCK_HELD.
[[nodiscard]] StatusOr<base::LockFile> TakeStateLock(const Context& context, std::string_view name);

}  // namespace selftune::capi
