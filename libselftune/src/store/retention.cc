// Forgetting by days: what is older is forgotten, once a day.
#include <chrono>
#include <cstdint>

#include "base/cancel.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "store/forget.h"

namespace selftune::store {
namespace {

constexpr char kIsUnfinished[] =
    R"sql(SELECT EXISTS(SELECT 1 FROM meta WHERE key='forget_unfinished'))sql";
constexpr char kBefore[] = R"sql(
  SELECT max(CAST(CAST(text_key AS TEXT) AS INTEGER)) FROM forgotten WHERE session_key=zeroblob(16))sql";

}  // namespace

StatusOr<ForgetReport> ApplyRetention(Db& db, int64_t days, UtcMillis now,
                                      const base::Cancel* cancel) {
  const UtcMillis cutoff{(DayOf(now) - days) * kDayMs};
  ST_ASSIGN_OR_RETURN(const int64_t done, db.QueryInt(kBefore, 0));
  if (days <= 0) return ForgetReport{};
  ST_ASSIGN_OR_RETURN(const int64_t unfinished, db.QueryInt(kIsUnfinished, 0));
  if (cutoff.value <= done && unfinished == 0) return ForgetReport{};
  StatusOr<ForgetReport> report = Forget(
      db,
      {.before = cutoff, .retention = true, .wait = std::chrono::milliseconds(0), .cancel = cancel},
      now);
  if (!report.ok() && CodeOf(report.status()).name == kLockHeld.name) return ForgetReport{};
  return report;
}

}  // namespace selftune::store
