#include "store/queries/timeline.h"

#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "store/queries/for_each.h"
#include "store/source_ledger.h"

namespace selftune::store {
namespace {

constexpr char kExposures[] = R"sql(
  SELECT e.at_ms,e.cause,l.skills,l.chars,e.inherited,e.prompt_seq,f.path,e.offset,e.line_no
  FROM exposure e JOIN listing l ON l.listing_id=e.listing_id LEFT JOIN source_file f ON f.source_id=e.source_id
  WHERE e.session_pk=?1 ORDER BY coalesce(e.prompt_seq,-1),e.inherited DESC,e.exposure_pk)sql";
constexpr char kPrompt[] = R"sql(
  SELECT p.prompt_pk,p.kind,s.session_id,s.platform,w.path,f.path,b.text,p.occurred_ms,p.active,p.offset,p.line_no
  FROM prompt p JOIN session s ON s.session_pk=p.session_pk JOIN body b ON b.body_id=p.body_id
  LEFT JOIN workspace w ON w.workspace_id=s.workspace_id LEFT JOIN source_file f ON f.source_id=p.source_id
  WHERE p.session_pk=?1 AND p.seq=?2)sql";
constexpr char kLastSeq[] =
    R"sql(SELECT seq FROM prompt WHERE session_pk=?1 ORDER BY seq DESC LIMIT 1)sql";
constexpr char kNextPrompt[] = R"sql(
  SELECT prompt_pk,seq FROM prompt WHERE session_pk=?1 AND seq>?2 AND actionable=1 ORDER BY seq LIMIT 1)sql";
constexpr char kLabels[] = R"sql(
  SELECT label,reason,source,detail,run_id,weight,at_ms FROM label WHERE prompt_pk=?1 AND skill_id=?2
  ORDER BY reason,source)sql";
constexpr char kSignals[] = R"sql(
  SELECT kind,state FROM improvement_signal WHERE prompt_pk=?1 AND skill_id=?2 ORDER BY kind)sql";
constexpr char kCompeting[] = R"sql(
  SELECT DISTINCT skill_text FROM observation
  WHERE prompt_pk=?1 AND skill_id<>?2 AND effective=1 AND outcome='triggered' ORDER BY 1)sql";
constexpr char kMissed[] = R"sql(
  SELECT cause FROM observation WHERE prompt_pk=?1 AND skill_id=?2 AND effective=1 AND outcome='missed' LIMIT 1)sql";
constexpr char kUses[] = R"sql(
  SELECT o.outcome,o.requested_by,o.level,o.route,f.path,o.offset,o.line_no
  FROM observation o LEFT JOIN source_file f ON f.source_id=o.source_id
  WHERE o.prompt_pk=?1 AND o.skill_id=?2 AND o.effective=1 AND o.outcome<>'missed' ORDER BY o.obs_pk)sql";
// Events have no prompt; those of one file are ordered by their place in it.
constexpr char kCompaction[] = R"sql(
  SELECT v.at_ms,v.offset FROM session_event v
  WHERE v.session_pk=?1 AND v.kind='compaction' AND (?2 IS NULL OR v.offset<?2) AND (?3 IS NULL OR v.at_ms IS NULL OR v.at_ms<=?3)
  ORDER BY v.offset DESC LIMIT 1)sql";
constexpr char kNewestListing[] = R"sql(
  SELECT s.session_pk,s.session_id,s.started_ms FROM session s
  WHERE +s.platform=?1 AND s.kind='main' AND EXISTS(SELECT 1 FROM exposure e WHERE e.session_pk=s.session_pk)
  ORDER BY coalesce(s.started_ms,0) DESC,s.session_pk DESC LIMIT 1)sql";

Status AddSignals(Db& db, PromptPk prompt, SkillId skill, int32_t seq, JudgementAt& out) {
  return ForEach(db.Query(kSignals, prompt, skill), [&](const Cursor& row) {
    out.signals.push_back({row.String(0), row.String(1), seq});
  });
}

}  // namespace

StatusOr<std::vector<ExposureRowItem>> ReadExposureRows(Db& db, SessionPk session) {
  std::vector<ExposureRowItem> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kExposures, session), [&](const Cursor& row) {
    out.push_back({.at = row.OptTime(0),
                   .cause = row.String(1),
                   .skills = row.Int(2),
                   .chars = row.Int(3),
                   .inherited = row.Bool(4),
                   .prompt_seq = row.OptInt(5),
                   .source_path = row.String(6),
                   .source_offset = row.OptInt(7),
                   .source_line = row.OptInt(8)});
  }));
  return out;
}

StatusOr<PromptPlaceItem> ReadPromptPlace(Db& db, SessionPk session, int32_t seq) {
  PromptPlaceItem out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kPrompt, session, seq), [&](const Cursor& row) {
    out.pk = row.Key<PromptPk>(0);
    out.kind = row.String(1);
    out.session_id = row.String(2);
    out.platform = row.String(3);
    out.cwd = row.String(4);
    out.source_path = row.String(5);
    out.text = row.OptString(6);
    out.at = row.OptTime(7);
    out.active = row.Bool(8);
    out.source_offset = row.OptInt(9);
    out.source_line = row.OptInt(10);
  }));
  if (!out.pk) {
    ST_ASSIGN_OR_RETURN(const int64_t last, db.QueryInt(kLastSeq, -1, session));
    if (last < 0) return Fail(kNotFound, "finding prompt {}: the session has no prompt", seq);
    return Fail(kNotFound, "finding prompt {}: the session has none of that number; the last is {}",
                seq, last);
  }
  out.session = session;
  out.seq = seq;
  return out;
}

StatusOr<JudgementAt> ReadJudgementAt(Db& db, const PromptPlaceItem& prompt, SkillId skill) {
  JudgementAt out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kLabels, prompt.pk, skill), [&](const Cursor& row) {
    out.labels.push_back({.prompt = prompt.pk,
                          .skill = skill,
                          .label = row.String(0),
                          .reason = row.String(1),
                          .source = row.String(2),
                          .detail = row.String(3),
                          .run_id = row.String(4),
                          .weight = row.Double(5),
                          .at = row.Time(6)});
  }));
  ST_RETURN_IF_ERROR(AddSignals(db, prompt.pk, skill, prompt.seq, out));
  PromptPk next;
  int32_t next_seq = 0;
  ST_RETURN_IF_ERROR(
      ForEach(db.Query(kNextPrompt, prompt.session, prompt.seq), [&](const Cursor& row) {
        next = row.Key<PromptPk>(0);
        next_seq = static_cast<int32_t>(row.Int(1));
      }));
  if (next) ST_RETURN_IF_ERROR(AddSignals(db, next, skill, next_seq, out));
  ST_RETURN_IF_ERROR(ForEach(db.Query(kCompeting, prompt.pk, skill),
                             [&](const Cursor& row) { out.competing.push_back(row.String(0)); }));
  ST_RETURN_IF_ERROR(ForEach(db.Query(kMissed, prompt.pk, skill),
                             [&](const Cursor& row) { out.missed_cause = row.String(0); }));
  return out;
}

StatusOr<std::vector<UseAt>> ReadUsesAt(Db& db, PromptPk prompt, SkillId skill) {
  std::vector<UseAt> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kUses, prompt, skill), [&](const Cursor& row) {
    out.push_back({.outcome = row.String(0),
                   .requested_by = row.String(1),
                   .level = row.String(2),
                   .route = row.String(3),
                   .source_path = row.String(4),
                   .source_offset = row.OptInt(5),
                   .source_line = row.OptInt(6)});
  }));
  return out;
}

StatusOr<std::optional<CompactionAt>> CompactionBefore(Db& db, const PromptPlaceItem& prompt) {
  std::optional<CompactionAt> out;
  ST_RETURN_IF_ERROR(
      ForEach(db.Query(kCompaction, prompt.session, prompt.source_offset, prompt.at),
              [&](const Cursor& row) { out = CompactionAt{row.OptTime(0), row.OptInt(1)}; }));
  return out;
}

StatusOr<std::vector<ListingSession>> NewestListings(Db& db) {
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> hosts, HostsWithSessions(db));
  std::vector<ListingSession> out;
  for (const std::string& host : hosts) {
    ST_RETURN_IF_ERROR(ForEach(db.Query(kNewestListing, host), [&](const Cursor& row) {
      out.push_back({row.Key<SessionPk>(0), host, row.String(1), row.OptTime(2)});
    }));
  }
  return out;
}

}  // namespace selftune::store
