// When the model gives no answer (its agent is not logged in, there is no network), the next run
// that begins by itself would find the same: it waits, from half an hour to a day, twice as long
// each time. Another cause, configuration or agent, and a run that is answered, begin anew.
#pragma once

#include <cstdint>
#include <span>

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

using status::Asked;
[[nodiscard]] Asked WhoIsAsked(const base::Environment& env, const llm::ChooseOptions& options);

// The model was asked and gave nothing that could be used, whatever skill it was about.
[[nodiscard]] bool IsOfModel(const Status& failure);

// What came of asking about a skill.
struct Tried {
  Status error;
  int64_t calls = 0, answered = 0;  // as llm::CallerTotals
};
// Why nobody was answered in a run that tried these and ended so. OK: somebody was, nobody was
// asked, or it was not for the model.
[[nodiscard]] Status NoAnswer(const Status& ended, std::span<const Tried> tried);

// A run that begins by itself failed. In a transaction of its own.
[[nodiscard]] Status RestAfter(store::Db& db, const config::Config& config, const Asked& asked,
                               const Status& failure, UtcMillis now);

}  // namespace selftune::orchestrate
