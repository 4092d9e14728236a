// When the model gives no answer (its agent is not logged in, there is no network), the next run
// that begins by itself would find the same: it waits, from half an hour to a day, twice as long
// each time. Another cause, configuration or agent, and a run that is answered, begin anew.
#pragma once

#include <optional>
#include <string>

#include "base/env.h"
#include "base/error.h"
#include "base/time.h"
#include "config/config.h"
#include "llm/choose.h"
#include "status/runs_rest.h"
#include "store/db.h"

namespace selftune::orchestrate {

inline constexpr int64_t kShortestRestMs = 30 * 60 * 1000;
inline constexpr int64_t kLongestRestMs = kDayMs;

// Who a run would ask.
struct Asked {
  std::string agent;    // as llm::NameBackend says
  std::string program;  // its path, "" = it is no program
};
[[nodiscard]] Asked WhoIsAsked(const base::Environment& env, const llm::ChooseOptions& options);

// The model was asked and gave nothing that could be used, whatever skill it was about.
[[nodiscard]] bool IsOfModel(const Status& failure);

// What a run that begins by itself has to wait for; nullopt = nothing.
[[nodiscard]] StatusOr<std::optional<status::RunsRest>> RestOf(store::Db& db,
                                                               const config::Config& config,
                                                               const Asked& asked, UtcMillis now);
// Such a run failed. In a transaction of its own.
[[nodiscard]] Status RestAfter(store::Db& db, const config::Config& config, const Asked& asked,
                               const Status& failure, UtcMillis now);

}  // namespace selftune::orchestrate
