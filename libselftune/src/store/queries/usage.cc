#include "store/queries/usage.h"

#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"

namespace selftune::store {
namespace {

constexpr char kByPurpose[] = R"sql(
  SELECT c.purpose,count(*),sum(c.outcome<>'ok'),sum(c.input_tokens),sum(c.output_tokens),sum(c.cost_micro_usd),
    count(c.cost_micro_usd)
  FROM llm_call c WHERE c.started_ms>=?1 AND c.started_ms<?2 GROUP BY 1 ORDER BY 2 DESC,1)sql";
constexpr char kByModel[] = R"sql(
  SELECT coalesce(c.model,''),count(*),sum(c.outcome<>'ok'),sum(c.input_tokens),sum(c.output_tokens),sum(c.cost_micro_usd),
    count(c.cost_micro_usd)
  FROM llm_call c WHERE c.started_ms>=?1 AND c.started_ms<?2 GROUP BY 1 ORDER BY 2 DESC,1)sql";
constexpr char kBySkill[] = R"sql(
  SELECT coalesce(k.name,''),count(*),sum(c.outcome<>'ok'),sum(c.input_tokens),sum(c.output_tokens),sum(c.cost_micro_usd),
    count(c.cost_micro_usd)
  FROM llm_call c LEFT JOIN skill k ON k.skill_id=c.skill_id
  WHERE c.started_ms>=?1 AND c.started_ms<?2 GROUP BY 1 ORDER BY 2 DESC,1)sql";
constexpr char kTest[] = R"sql(
  SELECT action,validation,snapshot,validation_mode,validation_agent,iterations FROM evolution_event
  WHERE proposal_id=?1 AND validation IS NOT NULL ORDER BY event_pk DESC LIMIT 1)sql";

const char* Statement(UsageBy by) {
  switch (by) {
    case UsageBy::kPurpose:
      return kByPurpose;
    case UsageBy::kModel:
      return kByModel;
    case UsageBy::kSkill:
      return kBySkill;
  }
  return kByPurpose;
}

}  // namespace

StatusOr<std::vector<UsageRow>> ReadUsage(Db& db, UsageBy by, const TimeWindow& window) {
  const WindowBounds bounds = BoundsOf(window);
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(Statement(by), bounds.from, bounds.to));
  std::vector<UsageRow> out;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back({.key = rows.String(0),
                   .calls = rows.Int(1),
                   .failed = rows.Int(2),
                   .input_tokens = rows.OptInt(3),
                   .output_tokens = rows.OptInt(4),
                   .cost_micro_usd = rows.OptInt(5),
                   .with_cost = rows.Int(6)});
  }
}

StatusOr<std::optional<ProposalTest>> ReadProposalTest(Db& db, std::string_view proposal_id) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kTest, proposal_id));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return std::optional<ProposalTest>();
  return std::optional<ProposalTest>({.action = row.String(0),
                                      .validation = row.String(1),
                                      .snapshot = row.String(2),
                                      .mode = row.String(3),
                                      .agent = row.String(4),
                                      .iterations = row.OptInt(5)});
}

}  // namespace selftune::store
