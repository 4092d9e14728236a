// Runs of the loop: one row each, and what was done to each skill.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/rows.h"

namespace selftune::store {

struct JobStart {
  std::string_view run_id, job, trigger, approval_mode;  // trigger: manual cron reactive
  int64_t pid = 0;
};
struct JobAction {
  std::string skill, action, reason, alert;
  std::optional<bool> deployed, rolled_back;
  std::optional<int64_t> elapsed_ms, llm_calls;
};
struct JobEnd {
  std::string_view run_id, status;  // ok nothing_to_do partial cancelled error
  std::string_view metrics, error;  // metrics: JSON object
  std::vector<JobAction> actions;
};

// Inside a WriteTxn.
[[nodiscard]] Status StartJob(Db& db, const JobStart& start, UtcMillis now);
[[nodiscard]] Status EndJob(Db& db, const JobEnd& end, UtcMillis now);
// When the latest run of this trigger began that had something to do; `but` does
// not count.
[[nodiscard]] StatusOr<std::optional<UtcMillis>> LastJobStart(Db& db, std::string_view job,
                                                              std::string_view trigger,
                                                              std::string_view but);
// Runs whose process is gone are ended with status error. Returns how many.
[[nodiscard]] StatusOr<int64_t> EndAbandonedJobs(Db& db, std::string_view job, UtcMillis now);

inline constexpr int64_t kSignalLifeMs = 30 * kDayMs;  // so long one is valid
// Marks the pending signals of one skill. Inside a WriteTxn. Returns how many.
[[nodiscard]] StatusOr<int64_t> ConsumeSignals(Db& db, std::string_view skill,
                                               std::string_view run_id, UtcMillis now);
// Pending signals older than 30 days. Inside a WriteTxn.
[[nodiscard]] StatusOr<int64_t> ExpireSignals(Db& db, UtcMillis now);

// Freeze and policy of one skill; empty fields when nothing is stored.
struct SkillPolicy {
  std::string autonomy;  // locked propose auto, "" = default
  std::optional<UtcMillis> cooldown_until, frozen_until;
};
[[nodiscard]] StatusOr<SkillPolicy> ReadSkillPolicy(Db& db, std::string_view skill);
[[nodiscard]] Status SetCooldown(Db& db, std::string_view skill, UtcMillis until,
                                 std::optional<UtcMillis> frozen_until, std::string_view reason,
                                 UtcMillis now);

}  // namespace selftune::store
