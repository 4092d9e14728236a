// What people said about skills and nobody has acted on yet, as far as a description can
// answer for it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "status/off_switches.h"
#include "store/db.h"
#include "store/ids.h"

namespace selftune::status {

// Sessions with pending signals.
struct Complaints {
  store::SkillId id = {};
  std::string skill = {};
  int64_t corrections = 0, requests = 0, manual = 0, unwanted = 0;
  // In places where settings keep the skill from the model: no description is to blame.
  int64_t while_off = 0;
};

// By skill. `off` null: settings do not matter. They count as they are now: what is
// switched off there today no better description brings back.
[[nodiscard]] StatusOr<std::vector<Complaints>> ReadComplaints(store::Db& db, UtcMillis since,
                                                               const OffSwitches* off);

}  // namespace selftune::status
