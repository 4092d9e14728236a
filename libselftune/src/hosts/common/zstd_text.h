// A compressed value in memory, as hosts keep it in rows.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"

namespace selftune::hosts {

// What the Zstandard frames in `bytes` expand to. STORE_CORRUPT when they are damaged,
// cut off, or expand to more than `max_bytes`.
[[nodiscard]] StatusOr<std::string> ExpandZstd(std::string_view bytes, size_t max_bytes);

}  // namespace selftune::hosts
