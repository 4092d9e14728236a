// How often each skill ran on each host.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/queries/page.h"

namespace selftune::store {

struct HostUses {
  std::string platform, skill;
  int64_t triggered = 0;
};
// By host, then skill; only those that ran in the window.
[[nodiscard]] StatusOr<std::vector<HostUses>> ReadHostUses(Db& db, const TimeWindow& window);

}  // namespace selftune::store
