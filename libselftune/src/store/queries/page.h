// Windows and pages of list queries.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"

namespace selftune::store {

// Half-open range of time; unset ends are open.
struct TimeWindow {
  std::optional<UtcMillis> from, to;
};

struct PageRequest {
  int64_t limit = 50;  // 1..1000
  std::string cursor;  // "" = first page; else `next` of the page before
};

}  // namespace selftune::store
