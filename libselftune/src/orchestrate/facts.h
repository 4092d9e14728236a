// From rows to what the choice of candidates is made from.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "config/config.h"
#include "orchestrate/candidates.h"
#include "skillfs/discovery.h"
#include "status/off_switches.h"
#include "store/db.h"

namespace selftune::orchestrate {

// The text that was named for one of several of a name; empty: none was.
struct NamedText {
  std::string skill, path;
};

// The facts SelectCandidates works on, for every installed skill and every
// skill with pending signals. `off`: what settings switch off, null = nothing.
// Cost follows what was judged lately.
[[nodiscard]] StatusOr<std::vector<CandidateFacts>> GatherFacts(
    store::Db& db, const skillfs::Discovery& skills, const config::Config& config, UtcMillis now,
    const NamedText& named = {}, const status::OffSwitches* off = nullptr);

}  // namespace selftune::orchestrate
