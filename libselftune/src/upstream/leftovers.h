// What of the reference still runs on this machine. It must not write to a store
// of ours; nothing here is changed, it is only named.
#pragma once

#include <string>
#include <vector>

#include "base/env.h"

namespace selftune::upstream {

struct Leftover {
  std::string kind;  // hook timer config
  std::string path;
  std::string detail;
};
[[nodiscard]] std::vector<Leftover> FindLeftovers(const base::Environment& env,
                                                  const std::string& state_dir);

}  // namespace selftune::upstream
