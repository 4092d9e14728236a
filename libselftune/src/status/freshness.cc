#include "status/freshness.h"

#include <algorithm>
#include <string>

#include "base/status_macros.h"
#include "base/strings.h"
#include "store/queries/overview.h"

namespace selftune::status {
namespace {

constexpr char kKey[] = "last_sync_ms";
constexpr int64_t kStaleMs = 24 * int64_t{3'600'000};

}  // namespace

StatusOr<Freshness> ReadFreshness(store::Db& db, UtcMillis now) {
  ST_ASSIGN_OR_RETURN(const auto text, store::ReadMeta(db, kKey));
  Freshness out;
  const auto at = text.has_value() ? base::ParseInt(*text) : std::nullopt;
  if (!at.has_value()) return out;
  out.last_sync = UtcMillis{*at};
  out.lag_ms = std::max<int64_t>(0, now.value - *at);
  out.stale = *out.lag_ms > kStaleMs;
  return out;
}

Status WriteLastSync(store::Db& db, UtcMillis now) {
  return store::WriteMeta(db, kKey, std::to_string(now.value));
}

}  // namespace selftune::status
