// Skills whose host has a change of them waiting for a person.
#pragma once

#include <span>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "ingest/source.h"
#include "skillfs/discovery.h"

namespace selftune::sync {

struct HeldChanges {
  std::vector<ingest::PendingChange> changes;
  std::vector<Status> unknown;  // warnings, see below
};
[[nodiscard]] HeldChanges FindHeldChanges(std::span<const ingest::Source* const> sources,
                                          const base::Environment& env);

void HoldSkills(const HeldChanges& held, skillfs::Discovery& found);
// Marks them in `found`. Returns a warning (FILE_UNREADABLE) for each thing that could not be
// understood: whether there is such a change is then not known.
[[nodiscard]] std::vector<Status> HoldSkills(std::span<const ingest::Source* const> sources,
                                             const base::Environment& env,
                                             skillfs::Discovery& found);

}  // namespace selftune::sync
