#include "store/queries/runs.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"

namespace selftune::store {
namespace {

constexpr char kProposalIds[] = R"sql(
  SELECT rowid,updated_ms FROM proposal WHERE updated_ms<=?1 AND (updated_ms<?1 OR rowid<?2)
    AND (?3='' OR state=?3 OR (?3='open' AND state IN('created','validated','approved')))
  ORDER BY updated_ms DESC,rowid DESC LIMIT ?4)sql";
constexpr char kProposalIdsOfSkill[] = R"sql(
  SELECT rowid,updated_ms FROM proposal WHERE skill_id=?5 AND updated_ms<=?1 AND (updated_ms<?1 OR rowid<?2)
    AND (?3='' OR state=?3 OR (?3='open' AND state IN('created','validated','approved')))
  ORDER BY updated_ms DESC,rowid DESC LIMIT ?4)sql";
constexpr char kProposal[] = R"sql(
  SELECT p.proposal_id,k.name,p.target,p.location,p.state,p.rationale,p.reason_code,p.tier,p.skill_id,ob.text,nb.text,
    p.original_sha256,p.deployed_sha256,p.confidence,p.p,p.alpha,p.gains,p.losses,p.holdout,p.created_ms,p.updated_ms
  FROM proposal p JOIN skill k ON k.skill_id=p.skill_id LEFT JOIN body ob ON ob.body_id=p.original_body
  LEFT JOIN body nb ON nb.body_id=p.proposed_body WHERE p.rowid=?1)sql";
constexpr char kProposalRow[] = R"sql(SELECT rowid FROM proposal WHERE proposal_id=?1)sql";
constexpr char kEvents[] = R"sql(
  SELECT e.event_id,e.proposal_id,k.name,e.action,e.details,e.target,e.location,e.run_id,e.hash,e.occurred_ms
  FROM evolution_event e LEFT JOIN skill k ON k.skill_id=e.skill_id WHERE e.proposal_id=?1 ORDER BY e.event_pk)sql";
constexpr char kRuns[] = R"sql(
  SELECT rowid,run_id,job,status,trigger,approval_mode,metrics,error,started_ms,elapsed_ms,dry_run FROM job_run
  WHERE started_ms<=?1 AND (started_ms<?1 OR rowid<?2) ORDER BY started_ms DESC,rowid DESC LIMIT ?3)sql";
constexpr char kRunsOfJob[] = R"sql(
  SELECT rowid,run_id,job,status,trigger,approval_mode,metrics,error,started_ms,elapsed_ms,dry_run FROM job_run
  WHERE job=?4 AND started_ms<=?1 AND (started_ms<?1 OR rowid<?2) ORDER BY started_ms DESC,rowid DESC LIMIT ?3)sql";
constexpr char kActions[] = R"sql(
  SELECT k.name,a.action,a.reason,a.alert,a.deployed,a.rolled_back,a.elapsed_ms,a.llm_calls
  FROM job_action a LEFT JOIN skill k ON k.skill_id=a.skill_id WHERE a.run_id=?1 ORDER BY a.ord)sql";

StatusOr<ProposalItem> ReadRow(Db& db, int64_t rowid) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kProposal, rowid));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return Fail(kNotFound, "reading a proposal: no such row");
  ProposalItem item;
  item.proposal_id = row.String(0);
  item.skill = row.String(1);
  item.target = row.String(2);
  item.location = row.String(3);
  item.state = row.String(4);
  item.rationale = row.String(5);
  item.reason_code = row.String(6);
  item.tier = row.String(7);
  item.skill_id = row.Key<SkillId>(8);
  item.original = row.OptString(9);
  item.proposed = row.OptString(10);
  item.original_sha256 = base::Hex(row.Bytes(11));
  item.deployed_sha256 = base::Hex(row.Bytes(12));
  item.confidence = row.OptDouble(13);
  item.p = row.OptDouble(14);
  item.alpha = row.OptDouble(15);
  item.gains = row.OptInt(16);
  item.losses = row.OptInt(17);
  item.holdout = row.OptInt(18);
  item.created = row.Time(19);
  item.updated = row.Time(20);
  return item;
}

StatusOr<std::vector<RunActionItem>> ReadActions(Db& db, std::string_view run_id) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kActions, run_id));
  std::vector<RunActionItem> out;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back({.skill = rows.String(0),
                   .action = rows.String(1),
                   .reason = rows.String(2),
                   .alert = rows.String(3),
                   .deployed = rows.OptBool(4),
                   .rolled_back = rows.OptBool(5),
                   .elapsed_ms = rows.OptInt(6),
                   .llm_calls = rows.OptInt(7)});
  }
}

}  // namespace

StatusOr<ProposalPage> ListProposals(Db& db, const ProposalRequest& request) {
  ST_ASSIGN_OR_RETURN(const PageKey after, ParsePageKey(request.page.cursor));
  const int64_t limit = PageLimit(request.page);
  auto query = request.skill.has_value()
                   ? db.Query(kProposalIdsOfSkill, after.order, after.key, request.state, limit + 1,
                              request.skill->value)
                   : db.Query(kProposalIds, after.order, after.key, request.state, limit + 1);
  ST_ASSIGN_OR_RETURN(std::vector<PageKey> keys, ReadPageKeys(std::move(query)));
  ProposalPage out;
  out.next = CutPage(keys, limit);
  for (const PageKey& key : keys) {
    ST_ASSIGN_OR_RETURN(out.items.emplace_back(), ReadRow(db, key.key));
  }
  return out;
}

StatusOr<ProposalItem> FindProposal(Db& db, std::string_view proposal_id) {
  ST_ASSIGN_OR_RETURN(const int64_t rowid, db.QueryInt(kProposalRow, 0, proposal_id));
  if (rowid == 0) return Fail(kNotFound, "finding proposal {}: it is not known", proposal_id);
  return ReadRow(db, rowid);
}

StatusOr<std::vector<EvolutionEventItem>> ReadEvolution(Db& db, std::string_view proposal_id) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kEvents, proposal_id));
  std::vector<EvolutionEventItem> out;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back({.event_id = rows.String(0),
                   .proposal_id = rows.String(1),
                   .skill = rows.String(2),
                   .action = rows.String(3),
                   .details = rows.String(4),
                   .target = rows.String(5),
                   .location = rows.String(6),
                   .run_id = rows.String(7),
                   .hash = base::Hex(rows.Bytes(8)),
                   .at = rows.Time(9)});
  }
}

StatusOr<RunPage> ListRuns(Db& db, std::string_view job, const PageRequest& page) {
  ST_ASSIGN_OR_RETURN(const PageKey after, ParsePageKey(page.cursor));
  const int64_t limit = PageLimit(page);
  auto query = job.empty() ? db.Query(kRuns, after.order, after.key, limit + 1)
                           : db.Query(kRunsOfJob, after.order, after.key, limit + 1, job);
  const auto read = [&](const Cursor& row, RunItem& item) -> StatusOr<PageKey> {
    item.run_id = row.String(1);
    item.job = row.String(2);
    item.status = row.String(3);
    item.trigger = row.String(4);
    item.approval_mode = row.String(5);
    item.metrics = row.String(6);
    item.error = row.String(7);
    item.started = row.Time(8);
    item.elapsed_ms = row.OptInt(9);
    item.dry_run = row.Bool(10);
    ST_ASSIGN_OR_RETURN(item.actions, ReadActions(db, item.run_id));
    return PageKey{row.Int(8), row.Int(0)};
  };
  return ReadPage<RunPage>(std::move(query), limit, read);
}

}  // namespace selftune::store
