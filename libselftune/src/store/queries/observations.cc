#include "store/queries/observations.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "base/strings.h"

namespace selftune::store {
namespace {

constexpr char kItem[] = R"sql(
  SELECT o.occurrence_key, s.platform, s.session_id, r.session_id, o.skill_text, p.prompt_id, b.text, o.outcome, o.level,
    o.route, o.requested_by, o.mode, o.cause, o.reason, o.confidence, o.occurred_ms, o.tool_name, o.location, o.capture,
    f.path, CASE WHEN o.source_id IS NULL THEN p.line_no ELSE o.line_no END,
    CASE WHEN o.source_id IS NULL THEN p.offset ELSE o.offset END
  FROM observation o JOIN session s ON s.session_pk=o.session_pk JOIN session r ON r.session_pk=s.root_pk
  LEFT JOIN prompt p ON p.prompt_pk=o.prompt_pk LEFT JOIN body b ON b.body_id=coalesce(p.body_id,o.query_body_id)
  LEFT JOIN source_file f ON f.source_id=coalesce(o.source_id,p.source_id) WHERE o.obs_pk=?1)sql";
constexpr char kOfSession[] = R"sql(
  SELECT obs_pk,coalesce(occurred_ms,0) FROM observation WHERE session_pk=?1 AND effective=1 ORDER BY occurred_ms,obs_pk)sql";
constexpr char kAll[] = R"sql(
  SELECT o.obs_pk,coalesce(o.occurred_ms,0) FROM observation o JOIN session s ON s.session_pk=o.session_pk
  LEFT JOIN prompt p ON p.prompt_pk=o.prompt_pk LEFT JOIN body b ON b.body_id=coalesce(p.body_id,o.query_body_id)
  WHERE o.effective=1 AND coalesce(o.occurred_ms,0)>=?1 AND coalesce(o.occurred_ms,0)<?2
    AND coalesce(o.occurred_ms,0)<=?3 AND (coalesce(o.occurred_ms,0)<?3 OR o.obs_pk<?4)
    AND (?5='' OR o.outcome=?5) AND (?6='' OR o.level=?6) AND (?7='' OR o.mode=?7)
    AND (?8='' OR s.platform=?8) AND (?9='' OR instr(lower(b.text),?9)>0)
  ORDER BY coalesce(o.occurred_ms,0) DESC, o.obs_pk DESC LIMIT ?10)sql";
constexpr char kOfSkill[] = R"sql(
  SELECT o.obs_pk,coalesce(o.occurred_ms,0) FROM observation o JOIN session s ON s.session_pk=o.session_pk
  LEFT JOIN prompt p ON p.prompt_pk=o.prompt_pk LEFT JOIN body b ON b.body_id=coalesce(p.body_id,o.query_body_id)
  WHERE o.effective=1 AND o.skill_id=?11 AND coalesce(o.occurred_ms,0)>=?1 AND coalesce(o.occurred_ms,0)<?2
    AND coalesce(o.occurred_ms,0)<=?3 AND (coalesce(o.occurred_ms,0)<?3 OR o.obs_pk<?4)
    AND (?5='' OR o.outcome=?5) AND (?6='' OR o.level=?6) AND (?7='' OR o.mode=?7)
    AND (?8='' OR s.platform=?8) AND (?9='' OR instr(lower(b.text),?9)>0)
  ORDER BY coalesce(o.occurred_ms,0) DESC, o.obs_pk DESC LIMIT ?10)sql";

constexpr char kMissesAll[] = R"sql(
  SELECT o.obs_pk, coalesce(o.occurred_ms,0), s.platform, s.session_id, p.prompt_id, k.name, b.text, o.occurred_ms,
    o.confidence, o.cause, o.reason, o.prompt_pk, o.skill_id, f.path, p.line_no, p.offset
  FROM observation o JOIN session s ON s.session_pk=o.session_pk JOIN skill k ON k.skill_id=o.skill_id
  LEFT JOIN prompt p ON p.prompt_pk=o.prompt_pk LEFT JOIN body b ON b.body_id=p.body_id
  LEFT JOIN source_file f ON f.source_id=p.source_id
  WHERE o.effective=1 AND o.outcome='missed'
    AND coalesce(o.occurred_ms,0)>=?1 AND coalesce(o.occurred_ms,0)<?2
    AND coalesce(o.occurred_ms,0)<=?3 AND (coalesce(o.occurred_ms,0)<?3 OR o.obs_pk<?4)
    AND (?5=0 OR o.skill_id=?5)
  ORDER BY coalesce(o.occurred_ms,0) DESC, o.obs_pk DESC LIMIT ?6)sql";
constexpr char kSignalsAt[] = R"sql(
  SELECT DISTINCT kind FROM improvement_signal WHERE prompt_pk=?1 AND skill_id=?2 ORDER BY kind)sql";
constexpr char kLabelsAt[] = R"sql(
  SELECT label,reason FROM label WHERE prompt_pk=?1 AND skill_id=?2
  ORDER BY CASE reason WHEN 'curated' THEN 0 WHEN 'grader' THEN 1 ELSE 2 END, at_ms DESC LIMIT 1)sql";
constexpr char kCompeting[] = R"sql(
  SELECT skill_text FROM observation WHERE prompt_pk=?1 AND skill_id<>?2 AND effective=1 AND outcome='triggered'
  ORDER BY obs_pk LIMIT 1)sql";

Status AddSignals(Db& db, PromptPk prompt, SkillId skill, MissItem& item) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kSignalsAt, prompt, skill));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return absl::OkStatus();
    item.signals.push_back(rows.String(0));
  }
}

Status AddJudgement(Db& db, PromptPk prompt, SkillId skill, MissItem& item) {
  {
    ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kLabelsAt, prompt, skill));
    ST_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (found) {
      item.label = row.String(0);
      item.label_reason = row.String(1);
    }
  }
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kCompeting, prompt, skill));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (found) item.competing_skill = row.String(0);
  return absl::OkStatus();
}

}  // namespace

namespace {

StatusOr<ObservationItem> ReadItem(Db& db, int64_t obs_pk) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kItem, obs_pk));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return Fail(kNotFound, "reading observation {}: no such row", obs_pk);
  ObservationItem item;
  item.platform = row.String(1);
  item.session_id = row.String(2);
  item.occurrence = item.session_id + ":o:" + base::Hex(row.Bytes(0));
  item.root_session_id = row.String(3);
  item.skill = row.String(4);
  item.prompt_id = row.OptString(5);
  item.prompt_text = row.OptString(6);
  item.outcome = row.String(7);
  item.level = row.String(8);
  item.route = row.String(9);
  item.requested_by = row.String(10);
  item.mode = row.String(11);
  item.cause = row.String(12);
  item.reason = row.String(13);
  item.confidence = row.OptDouble(14);
  item.at = row.OptTime(15);
  item.tool_name = row.String(16);
  item.skill_path = row.String(17);
  item.capture = row.String(18);
  item.source_path = row.String(19);
  item.source_line = row.OptInt(20);
  item.source_offset = row.OptInt(21);
  return item;
}

StatusOr<std::vector<PageKey>> PageKeys(Db& db, const ObservationRequest& request) {
  ST_ASSIGN_OR_RETURN(const PageKey after, ParsePageKey(request.page.cursor));
  const WindowBounds bounds = BoundsOf(request.window);
  const int64_t limit = PageLimit(request.page) + 1;
  const std::string text = base::AsciiLower(request.text);
  if (request.skill.has_value()) {
    return ReadPageKeys(db.Query(kOfSkill, bounds.from, bounds.to, after.order, after.key,
                                 request.outcome, request.level, request.mode, request.platform,
                                 text, limit, request.skill->value));
  }
  return ReadPageKeys(db.Query(kAll, bounds.from, bounds.to, after.order, after.key,
                               request.outcome, request.level, request.mode, request.platform, text,
                               limit));
}

}  // namespace

StatusOr<ObservationPage> ListObservations(Db& db, const ObservationRequest& request) {
  ST_ASSIGN_OR_RETURN(std::vector<PageKey> keys, PageKeys(db, request));
  ObservationPage out;
  out.next = CutPage(keys, PageLimit(request.page));
  for (const PageKey& key : keys) {
    ST_ASSIGN_OR_RETURN(out.items.emplace_back(), ReadItem(db, key.key));
  }
  return out;
}

StatusOr<std::vector<ObservationItem>> ReadSessionObservations(Db& db, SessionPk session) {
  ST_ASSIGN_OR_RETURN(const std::vector<PageKey> keys, ReadPageKeys(db.Query(kOfSession, session)));
  std::vector<ObservationItem> out;
  for (const PageKey& key : keys) {
    ST_ASSIGN_OR_RETURN(out.emplace_back(), ReadItem(db, key.key));
  }
  return out;
}

StatusOr<MissPage> ListMisses(Db& db, std::optional<SkillId> skill, const TimeWindow& window,
                              const PageRequest& page) {
  ST_ASSIGN_OR_RETURN(const PageKey after, ParsePageKey(page.cursor));
  const WindowBounds bounds = BoundsOf(window);
  const int64_t limit = PageLimit(page);
  auto query = db.Query(kMissesAll, bounds.from, bounds.to, after.order, after.key,
                        skill.has_value() ? skill->value : 0, limit + 1);
  const auto read = [&](const Cursor& row, MissItem& item) -> StatusOr<PageKey> {
    item.platform = row.String(2);
    item.session_id = row.String(3);
    item.prompt_id = row.String(4);
    item.skill = row.String(5);
    item.query = row.OptString(6);
    item.at = row.OptTime(7);
    item.score = row.Double(8);
    item.cause = row.String(9);
    item.reason = row.String(10);
    const auto prompt = row.Key<PromptPk>(11);
    const auto skill_id = row.Key<SkillId>(12);
    item.source_path = row.String(13);
    item.source_line = row.OptInt(14);
    item.source_offset = row.OptInt(15);
    ST_RETURN_IF_ERROR(AddSignals(db, prompt, skill_id, item));
    ST_RETURN_IF_ERROR(AddJudgement(db, prompt, skill_id, item));
    return PageKey{row.Int(1), row.Int(0)};
  };
  return ReadPage<MissPage>(std::move(query), limit, read);
}

}  // namespace selftune::store
