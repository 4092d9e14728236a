// Logs of jobs. Cron and launchd append to them for ever; each run of ours bounds them.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "schedule/render.h"

namespace selftune::schedule {

inline constexpr int64_t kMaxJobLog = int64_t{1} << 20;  // bytes; one that is as long is put aside
inline constexpr int kJobLogs = 5;                       // with those put aside

// Puts a log that is long enough aside under the name with .1 (those before become .2 to .4),
// and an empty one in its place; each of them is for its owner only. Whoever is writing goes on
// in the one put aside. By renames, so that a crash loses nothing. What is no plain file stays.
[[nodiscard]] Status BoundLogs(const Places& places);

}  // namespace selftune::schedule
