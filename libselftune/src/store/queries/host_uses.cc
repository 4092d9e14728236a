#include "store/queries/host_uses.h"

#include <vector>

#include "base/status_macros.h"
#include "store/queries/for_each.h"

namespace selftune::store {
namespace {

// By index obs_time: the cost follows what ran in the window.
constexpr char kUses[] = R"sql(
  SELECT s.platform,k.name,count(*) FROM observation o
  CROSS JOIN session s ON s.session_pk=o.session_pk CROSS JOIN skill k ON k.skill_id=o.skill_id
  WHERE o.effective=1 AND o.outcome='triggered' AND coalesce(o.occurred_ms,0)>=?1 AND coalesce(o.occurred_ms,0)<?2
  GROUP BY s.platform,k.skill_id ORDER BY s.platform,k.name)sql";

}  // namespace

StatusOr<std::vector<HostUses>> ReadHostUses(Db& db, const TimeWindow& window) {
  const WindowBounds bounds = BoundsOf(window);
  std::vector<HostUses> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kUses, bounds.from, bounds.to), [&](const Cursor& row) {
    out.push_back({row.String(0), row.String(1), row.Int(2)});
  }));
  return out;
}

}  // namespace selftune::store
