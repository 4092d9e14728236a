#include "store/queries/sessions.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"

namespace selftune::store {
namespace {

constexpr char kItem[] = R"sql(
  SELECT s.platform,s.session_id,s.kind,r.session_id,s.agent_type,s.model,coalesce(s.completion,'unknown'),w.path,s.branch,
    s.forked_from,f.path,s.started_ms,s.ended_ms,
    (SELECT count(*) FROM prompt p WHERE p.session_pk=s.session_pk AND p.actionable=1),
    coalesce(m.total_tool_calls,0),coalesce(m.tool_errors,0),coalesce(m.failed_turns,0),coalesce(m.interruptions,0),
    coalesce(m.compactions,0),m.answers,
    CASE WHEN coalesce(m.input_uncached,m.cache_read,m.cache_write) IS NOT NULL
      THEN coalesce(m.input_uncached,0)+coalesce(m.cache_read,0)+coalesce(m.cache_write,0) END,m.output_tokens
  FROM session s JOIN session r ON r.session_pk=s.root_pk LEFT JOIN workspace w ON w.workspace_id=s.workspace_id
  LEFT JOIN source_file f ON f.source_id=s.source_id LEFT JOIN session_metric m ON m.session_pk=s.session_pk
  WHERE s.session_pk=?1)sql";
constexpr char kSkillsOf[] = R"sql(
  SELECT DISTINCT skill_text FROM observation WHERE session_pk=?1 AND effective=1 AND outcome='triggered' ORDER BY 1)sql";
constexpr char kAll[] = R"sql(
  SELECT s.session_pk,coalesce(s.started_ms,0) FROM session s
  WHERE s.capture_rank>0 AND coalesce(s.started_ms,0)>=?1 AND coalesce(s.started_ms,0)<?2
    AND coalesce(s.started_ms,0)<=?3 AND (coalesce(s.started_ms,0)<?3 OR s.session_pk<?4)
    AND (?5='' OR s.platform=?5) AND (?6='' OR s.kind=?6)
  ORDER BY coalesce(s.started_ms,0) DESC, s.session_pk DESC LIMIT ?7)sql";
constexpr char kOfSkill[] = R"sql(
  SELECT s.session_pk,coalesce(s.started_ms,0) FROM skill_session z JOIN session s ON s.session_pk=z.session_pk
  WHERE z.skill_id=?8 AND s.capture_rank>0 AND coalesce(s.started_ms,0)>=?1 AND coalesce(s.started_ms,0)<?2
    AND coalesce(s.started_ms,0)<=?3 AND (coalesce(s.started_ms,0)<?3 OR s.session_pk<?4)
    AND (?5='' OR s.platform=?5) AND (?6='' OR s.kind=?6)
    AND EXISTS(SELECT 1 FROM observation o WHERE o.session_pk=s.session_pk AND o.skill_id=?8 AND o.effective=1
      AND o.outcome='triggered')
  ORDER BY coalesce(s.started_ms,0) DESC, s.session_pk DESC LIMIT ?7)sql";
constexpr char kFind[] = R"sql(
  SELECT session_pk,platform FROM session WHERE session_id=?1 AND (?2='' OR platform=?2) ORDER BY platform)sql";
constexpr char kPrompts[] = R"sql(
  SELECT p.prompt_pk,p.prompt_id,p.kind,p.seq,b.text,p.occurred_ms,p.command_name,p.command_kind,p.active,p.offset,p.line_no
  FROM prompt p JOIN body b ON b.body_id=p.body_id WHERE p.session_pk=?1 ORDER BY p.seq)sql";
constexpr char kTools[] = R"sql(
  SELECT tool,calls,errors,nonzero_exits,denied,unfinished FROM session_tool WHERE session_pk=?1 ORDER BY calls DESC,tool)sql";
constexpr char kEvents[] = R"sql(
  SELECT kind,detail,at_ms,offset FROM session_event WHERE session_pk=?1 ORDER BY source_id,offset,kind,n)sql";
constexpr char kRecorded[] = R"sql(SELECT 1 FROM exposure WHERE session_pk=?1 LIMIT 1)sql";
constexpr char kExposures[] = R"sql(
  SELECT l.name,l.state,e.cause,b.text,l.location,e.prompt_seq,e.at_ms,e.exposure_pk
  FROM exposure e JOIN listing_entry l ON l.listing_id=e.listing_id LEFT JOIN body b ON b.body_id=l.description_body
  WHERE e.session_pk=?1 AND (?2 IS NULL OR e.prompt_seq IS NULL OR e.prompt_seq<=?2)
  ORDER BY coalesce(e.prompt_seq,-1),e.inherited DESC,e.exposure_pk,l.ord)sql";
constexpr char kPromptTexts[] = R"sql(
  SELECT p.prompt_pk,p.session_pk,s.platform,s.session_id,b.text,p.seq,p.occurred_ms,p.active,coalesce(p.occurred_ms,0)
  FROM prompt p JOIN session s ON s.session_pk=p.session_pk JOIN body b ON b.body_id=p.body_id
  WHERE p.actionable=1 AND b.text IS NOT NULL AND coalesce(p.occurred_ms,0)>=?1 AND coalesce(p.occurred_ms,0)<?2
    AND coalesce(p.occurred_ms,0)<=?3 AND (coalesce(p.occurred_ms,0)<?3 OR p.prompt_pk<?4)
  ORDER BY coalesce(p.occurred_ms,0) DESC, p.prompt_pk DESC LIMIT ?5)sql";

StatusOr<std::vector<std::string>> SkillsOf(Db& db, SessionPk session) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kSkillsOf, session));
  std::vector<std::string> out;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back(rows.String(0));
  }
}

SessionItem ItemFromRow(const Cursor& row) {
  SessionItem item;
  item.platform = row.String(0);
  item.session_id = row.String(1);
  item.kind = row.String(2);
  item.root_session_id = row.String(3);
  item.agent_type = row.String(4);
  item.model = row.String(5);
  item.completion = row.String(6);
  item.workspace_path = row.String(7);
  item.branch = row.String(8);
  item.forked_from = row.String(9);
  item.source_path = row.String(10);
  item.started = row.OptTime(11);
  item.ended = row.OptTime(12);
  item.prompts = row.Int(13);
  item.tool_calls = row.Int(14);
  item.errors = row.Int(15);
  item.failed_turns = row.Int(16);
  item.interruptions = row.Int(17);
  item.compactions = row.Int(18);
  item.answers = row.OptInt(19);
  item.input_tokens = row.OptInt(20);
  item.output_tokens = row.OptInt(21);
  return item;
}

StatusOr<SessionItem> ReadItem(Db& db, SessionPk session) {
  SessionItem item;
  {
    ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kItem, session));
    ST_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (!found) return Fail(kSessionNotFound, "reading session {}: no such row", session.value);
    item = ItemFromRow(row);
  }
  item.pk = session;
  ST_ASSIGN_OR_RETURN(item.skills, SkillsOf(db, session));
  return item;
}

StatusOr<std::vector<PageKey>> PageKeys(Db& db, const SessionListRequest& request) {
  ST_ASSIGN_OR_RETURN(const PageKey after, ParsePageKey(request.page.cursor));
  const WindowBounds bounds = BoundsOf(request.window);
  const int64_t limit = PageLimit(request.page) + 1;
  if (request.skill.has_value()) {
    return ReadPageKeys(db.Query(kOfSkill, bounds.from, bounds.to, after.order, after.key,
                                 request.platform, request.kind, limit, request.skill->value));
  }
  return ReadPageKeys(db.Query(kAll, bounds.from, bounds.to, after.order, after.key,
                               request.platform, request.kind, limit));
}

}  // namespace

StatusOr<SessionPage> ListSessions(Db& db, const SessionListRequest& request) {
  ST_ASSIGN_OR_RETURN(std::vector<PageKey> keys, PageKeys(db, request));
  SessionPage out;
  out.next = CutPage(keys, PageLimit(request.page));
  for (const PageKey& key : keys) {
    ST_ASSIGN_OR_RETURN(out.items.emplace_back(), ReadItem(db, SessionPk{key.key}));
  }
  return out;
}

StatusOr<SessionItem> FindSession(Db& db, std::string_view platform, std::string_view session_id) {
  SessionPk found;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kFind, session_id, platform));
    ST_ASSIGN_OR_RETURN(const bool some, rows.Next());
    if (!some) {
      return WithSuggestion(
          Fail(kSessionNotFound, "finding session {}: it is not known", session_id),
          "read the transcripts first", "selftune sync");
    }
    found = rows.Key<SessionPk>(0);
    const std::string first = rows.String(1);
    ST_ASSIGN_OR_RETURN(const bool another, rows.Next());
    if (another) {
      return Fail(kInvalidRequest, "finding session {}: {} and {} both have it; name the platform",
                  session_id, first, rows.Text(1));
    }
  }
  return ReadItem(db, found);
}

StatusOr<std::vector<PromptItem>> ReadPrompts(Db& db, SessionPk session) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kPrompts, session));
  std::vector<PromptItem> out;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back({.pk = rows.Key<PromptPk>(0),
                   .prompt_id = rows.String(1),
                   .kind = rows.String(2),
                   .seq = static_cast<int32_t>(rows.Int(3)),
                   .text = rows.OptString(4),
                   .at = rows.OptTime(5),
                   .command_name = rows.String(6),
                   .command_kind = rows.String(7),
                   .active = rows.Bool(8),
                   .source_offset = rows.OptInt(9),
                   .source_line = rows.OptInt(10)});
  }
}

StatusOr<std::vector<ToolItem>> ReadTools(Db& db, SessionPk session) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kTools, session));
  std::vector<ToolItem> out;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back(
        {rows.String(0), rows.Int(1), rows.Int(2), rows.Int(3), rows.Int(4), rows.Int(5)});
  }
}

StatusOr<std::vector<EventItem>> ReadEvents(Db& db, SessionPk session) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kEvents, session));
  std::vector<EventItem> out;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back({rows.String(0), rows.String(1), rows.OptTime(2), rows.OptInt(3)});
  }
}

StatusOr<ExposureSnapshot> ReadExposure(Db& db, SessionPk session,
                                        std::optional<int32_t> prompt_seq) {
  ExposureSnapshot out;
  ST_ASSIGN_OR_RETURN(const int64_t recorded, db.QueryInt(kRecorded, 0, session));
  out.known = recorded != 0;
  // A later row of a name overrides an earlier one; several of one row stand.
  std::map<std::string, std::pair<int64_t, std::vector<ExposureItem>>, std::less<>> now;
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kExposures, session, prompt_seq));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) break;
    auto& [exposure, items] = now[rows.String(0)];
    if (exposure != rows.Int(7)) items.clear();
    exposure = rows.Int(7);
    ExposureItem item{.skill = rows.String(0),
                      .state = rows.String(1),
                      .cause = rows.String(2),
                      .description = rows.OptString(3),
                      .skill_path = rows.String(4),
                      .prompt_seq = std::nullopt,
                      .at = rows.OptTime(6)};
    if (!rows.IsNull(5)) item.prompt_seq = static_cast<int32_t>(rows.Int(5));
    items.push_back(std::move(item));
  }
  for (auto& [name, entry] : now) {
    for (ExposureItem& item : entry.second) {
      if (item.state != "absent" && item.state != "disabled") out.skills.push_back(std::move(item));
    }
  }
  return out;
}

StatusOr<PromptTextPage> ListPromptTexts(Db& db, const TimeWindow& window,
                                         const PageRequest& page) {
  ST_ASSIGN_OR_RETURN(const PageKey after, ParsePageKey(page.cursor));
  const WindowBounds bounds = BoundsOf(window);
  const int64_t limit = PageLimit(page);
  auto query = db.Query(kPromptTexts, bounds.from, bounds.to, after.order, after.key, limit + 1);
  const auto read = [](const Cursor& row, PromptText& item) -> StatusOr<PageKey> {
    item = {.pk = row.Key<PromptPk>(0),
            .session = row.Key<SessionPk>(1),
            .platform = row.String(2),
            .session_id = row.String(3),
            .text = row.String(4),
            .seq = static_cast<int32_t>(row.Int(5)),
            .at = row.OptTime(6),
            .active = row.Bool(7)};
    return PageKey{row.Int(8), row.Int(0)};
  };
  return ReadPage<PromptTextPage>(std::move(query), limit, read);
}

}  // namespace selftune::store
