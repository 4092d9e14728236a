#include "store/queries/signals.h"

#include <string>
#include <string_view>
#include <vector>

#include "base/status_macros.h"

namespace selftune::store {
namespace {

constexpr char kAll[] = R"sql(
  SELECT g.signal_pk,g.kind,g.mention,k.name,g.state,s.platform,s.session_id,p.prompt_id,g.run_id,g.skill_id,g.resolved,
    g.occurred_ms,b.text
  FROM improvement_signal g JOIN session s ON s.session_pk=g.session_pk LEFT JOIN skill k ON k.skill_id=g.skill_id
  LEFT JOIN prompt p ON p.prompt_pk=g.prompt_pk LEFT JOIN body b ON b.body_id=p.body_id
  WHERE g.occurred_ms<=?1 AND (g.occurred_ms<?1 OR g.signal_pk<?2) AND (?3='' OR g.state=?3)
  ORDER BY g.occurred_ms DESC,g.signal_pk DESC LIMIT ?4)sql";
constexpr char kOfSkill[] = R"sql(
  SELECT g.signal_pk,g.kind,g.mention,k.name,g.state,s.platform,s.session_id,p.prompt_id,g.run_id,g.skill_id,g.resolved,
    g.occurred_ms,b.text
  FROM improvement_signal g JOIN session s ON s.session_pk=g.session_pk LEFT JOIN skill k ON k.skill_id=g.skill_id
  LEFT JOIN prompt p ON p.prompt_pk=g.prompt_pk LEFT JOIN body b ON b.body_id=p.body_id
  WHERE g.skill_id=?5 AND g.occurred_ms<=?1 AND (g.occurred_ms<?1 OR g.signal_pk<?2) AND (?3='' OR g.state=?3)
  ORDER BY g.occurred_ms DESC,g.signal_pk DESC LIMIT ?4)sql";
constexpr char kSetState[] = R"sql(
  UPDATE improvement_signal SET state=?2,run_id=coalesce(?3,run_id),state_ms=?4 WHERE signal_pk=?1)sql";

int Strength(std::string_view reason) {
  if (reason == "curated") return 3;
  return reason == "grader" ? 2 : 1;
}

}  // namespace

StatusOr<SignalPage> ListSignals(Db& db, const SignalRequest& request) {
  ST_ASSIGN_OR_RETURN(const PageKey after, ParsePageKey(request.page.cursor));
  const int64_t limit = PageLimit(request.page);
  const auto start = [&]() {
    if (request.skill.has_value()) {
      return db.Query(kOfSkill, after.order, after.key, request.state, limit + 1,
                      request.skill->value);
    }
    return db.Query(kAll, after.order, after.key, request.state, limit + 1);
  };
  const auto read = [](const Cursor& row, SignalItem& item) -> StatusOr<PageKey> {
    item = {.signal_id = row.Int(0),
            .kind = row.String(1),
            .mention = row.String(2),
            .skill = row.String(3),
            .state = row.String(4),
            .platform = row.String(5),
            .session_id = row.String(6),
            .prompt_id = row.String(7),
            .run_id = row.String(8),
            .skill_id = row.Key<SkillId>(9),
            .resolved = row.Bool(10),
            .at = row.Time(11),
            .query = row.OptString(12)};
    return PageKey{item.at.value, item.signal_id};
  };
  return ReadPage<SignalPage>(start(), limit, read);
}

Status SetSignalState(Db& db, int64_t signal_id, std::string_view state, std::string_view run_id,
                      UtcMillis now) {
  ST_RETURN_IF_ERROR(db.Run(kSetState, signal_id, state, OrNull{run_id}, now));
  if (db.changes() == 0) return Fail(kNotFound, "changing signal {}: no such row", signal_id);
  return absl::OkStatus();
}

std::string_view EffectiveLabel(const std::vector<LabelItem>& labels) {
  int best = 0;
  std::string_view label = "unknown";
  for (const LabelItem& item : labels) {
    const int strength = Strength(item.reason);
    if (strength < best) continue;
    if (strength > best) {
      best = strength;
      label = item.label;
    } else if (label != item.label) {
      label = "unknown";
    }
  }
  return label;
}

}  // namespace selftune::store
