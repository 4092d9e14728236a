// Sessions, skill decisions, figures and signals that the reference had.
#include "store/import_rows.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"
#include "store/identity.h"
#include "store/resolver.h"

namespace selftune::store {
namespace {

constexpr char kByHost[] = R"sql(
  SELECT session_pk,platform,capture_rank,kind,session_id FROM session WHERE session_id=?1 AND platform=?2)sql";
constexpr char kSubagent[] = R"sql(
  SELECT session_pk,platform,capture_rank,kind,session_id FROM session WHERE platform=?1 AND +kind='subagent'
    AND substr(session_id,-length(?2))=?2 LIMIT 1)sql";
constexpr char kById[] = R"sql(
  SELECT session_pk,platform,capture_rank,kind,session_id FROM session WHERE session_id=?1 ORDER BY platform LIMIT 2)sql";
constexpr char kPrompts[] = R"sql(
  SELECT p.prompt_pk,p.seq,b.sha256,p.occurred_ms,p.actionable FROM prompt p JOIN body b ON b.body_id=p.body_id
  WHERE p.session_pk=?1 ORDER BY p.seq)sql";
constexpr char kIdOfSession[] = R"sql(SELECT platform FROM session WHERE session_pk=?1)sql";

constexpr char kWriteUse[] = R"sql(
  INSERT INTO observation(session_pk,skill_id,prompt_pk,prompt_seq,occurrence_key,capture,capture_rank,occurred_ms,day,
    outcome,level,route,requested_by,mode,skill_text,confidence,tool_name,agent_type,query_body_id,location,scope,polluted,extra,effective)
  VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24)
  ON CONFLICT(occurrence_key,capture) DO UPDATE SET prompt_pk=coalesce(excluded.prompt_pk,prompt_pk),
    prompt_seq=coalesce(excluded.prompt_seq,prompt_seq), query_body_id=coalesce(query_body_id,excluded.query_body_id),
    location=coalesce(location,excluded.location), scope=coalesce(scope,excluded.scope), rev=rev+1)sql";
constexpr char kSetCounts[] =
    R"sql(UPDATE observation SET effective=?2 WHERE obs_pk=?1 AND effective<>?2)sql";
constexpr char kRowsOfUse[] =
    R"sql(SELECT obs_pk,capture,session_pk FROM observation WHERE occurrence_key=?1)sql";
constexpr char kToldByOthers[] = R"sql(
  SELECT EXISTS(SELECT 1 FROM observation WHERE session_pk=?1 AND skill_id=?2 AND polluted=0
    AND capture NOT IN('repair','legacy','label')))sql";
constexpr char kKeyOfUse[] = R"sql(
  SELECT occurrence_key FROM observation WHERE obs_pk=?1 AND capture IN('repair','legacy'))sql";
constexpr char kDropUse[] = R"sql(DELETE FROM observation WHERE obs_pk=?1)sql";
constexpr char kUses[] = R"sql(
  SELECT o.obs_pk,k.name_key,o.outcome='triggered' FROM observation o JOIN skill k ON k.skill_id=o.skill_id
  WHERE o.session_pk=?1 AND o.capture<>'label' ORDER BY o.obs_pk)sql";

constexpr char kSizeOfFigures[] = R"sql(
  SELECT coalesce(answers,0),total_tool_calls FROM session_metric WHERE session_pk=?1)sql";
constexpr char kDropFigures[] = R"sql(DELETE FROM session_metric WHERE session_pk=?1)sql";
constexpr char kDropTools[] = R"sql(DELETE FROM session_tool WHERE session_pk=?1)sql";
constexpr char kAddFigures[] = R"sql(
  INSERT INTO session_metric(session_pk,total_tool_calls,answers,tool_errors,input_uncached,cache_read,output_tokens,
    reasoning_tokens,cost_micro_usd,files_changed,lines_added,lines_removed,lines_modified,artifacts,session_type,updated_ms)
  VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16))sql";
constexpr char kFillFigures[] = R"sql(
  UPDATE session_metric SET answers=coalesce(answers,?2), cost_micro_usd=coalesce(cost_micro_usd,?3),
    files_changed=coalesce(files_changed,?4), lines_added=coalesce(lines_added,?5), lines_removed=coalesce(lines_removed,?6),
    lines_modified=coalesce(lines_modified,?7), artifacts=coalesce(artifacts,?8), session_type=coalesce(session_type,?9)
  WHERE session_pk=?1)sql";
constexpr char kAddTool[] =
    R"sql(INSERT INTO session_tool(session_pk,tool,calls,errors) VALUES(?1,?2,?3,?4))sql";

constexpr char kFindSignal[] = R"sql(
  SELECT signal_pk FROM improvement_signal WHERE prompt_pk=?1 AND kind=?2 AND mention=?3)sql";
constexpr char kConsume[] = R"sql(
  UPDATE improvement_signal SET state='consumed', run_id=?4, state_ms=?5
  WHERE prompt_pk=?1 AND kind=?2 AND mention=?3 AND state='pending')sql";
constexpr char kKnowsSkill[] = R"sql(SELECT 1 FROM skill WHERE name_key=?1)sql";

constexpr char kHasSession[] = R"sql(SELECT 1 FROM session WHERE session_pk=?1)sql";
constexpr char kHasPrompt[] = R"sql(SELECT 1 FROM prompt WHERE prompt_pk=?1)sql";
constexpr char kHasUse[] = R"sql(SELECT 1 FROM observation WHERE obs_pk=?1)sql";
constexpr char kHasSignal[] = R"sql(SELECT 1 FROM improvement_signal WHERE signal_pk=?1)sql";
constexpr char kHasStep[] = R"sql(SELECT 1 FROM evolution_event WHERE event_pk=?1)sql";

constexpr int kFileRank = 4;

ImportSession SessionOf(const Cursor& row) {
  return {.pk = row.Key<SessionPk>(0),
          .platform = row.String(1),
          .id = row.String(4),
          .told_by_file = row.Int(2) >= kFileRank,
          .is_person = row.Text(3) == Word(SessionKind::kMain)};
}

}  // namespace

StatusOr<ImportSession> FindImportSession(Db& db, std::string_view platform, std::string_view id) {
  if (!platform.empty() && platform != "unknown") {
    ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kByHost, id, platform));
    ST_ASSIGN_OR_RETURN(const bool found, row.Next());
    return found ? SessionOf(row) : ImportSession();
  }
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kById, id));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return ImportSession();
  const ImportSession only = SessionOf(row);
  ST_ASSIGN_OR_RETURN(const bool more, row.Next());
  return more ? ImportSession() : only;
}

StatusOr<ImportSession> FindSubagent(Db& db, std::string_view platform, std::string_view agent) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kSubagent, platform, ":agent:" + std::string(agent)));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  return found ? SessionOf(row) : ImportSession();
}

StatusOr<std::vector<StoredPrompt>> PromptsOfSession(Db& db, SessionPk session) {
  std::vector<StoredPrompt> out;
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kPrompts, session));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back({.pk = rows.Key<PromptPk>(0),
                   .seq = static_cast<int32_t>(rows.Int(1)),
                   .words = std::string(rows.Bytes(2)),
                   .at = rows.OptTime(3),
                   .actionable = rows.Bool(4)});
  }
}

namespace {

// The row that is the occurrence, made or not.
struct UseRow {
  std::string key;
  int64_t pk = 0;      // of this capture
  bool alone = false;  // no other capture has one
};

StatusOr<UseRow> FindUse(Db& db, SessionPk session, const ImportedUse& use) {
  std::string platform;
  {
    ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kIdOfSession, session));
    ST_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (!found) return Fail(kSessionNotFound, "importing a use: no session {}", session.value);
    platform = row.String(0);
  }
  // Without the host, which may become known later; with it where two hosts have the id.
  for (const std::string& host : {std::string(), platform}) {
    UseRow out{.key = OccurrenceKey(host, use.session_id, use.key, /*key_is_call_id=*/false),
               .alone = true};
    bool elsewhere = false;
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kRowsOfUse, Blob{out.key}));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      elsewhere = elsewhere || rows.Key<SessionPk>(2) != session;
      if (rows.Text(1) == Word(use.capture)) {
        out.pk = rows.Int(0);
      } else {
        out.alone = false;
      }
    }
    if (!elsewhere || !host.empty()) return out;
  }
  return Fail(kInternal, "importing a use of session {}: it has no key", session.value);
}

}  // namespace

StatusOr<bool> IsToldByOthers(Db& db, SessionPk session, SkillId skill) {
  ST_ASSIGN_OR_RETURN(const int64_t told, db.QueryInt(kToldByOthers, 0, session, skill));
  return told != 0;
}

StatusOr<WrittenUse> WriteImportedUse(IngestWriter& writer, SessionPk session,
                                      const ImportedUse& use) {
  Db& db = writer.db();
  ST_ASSIGN_OR_RETURN(const SkillId skill, writer.EnsureSkill(use.skill));
  ST_ASSIGN_OR_RETURN(const UseRow row, FindUse(db, session, use));
  BodyId query;
  ST_ASSIGN_OR_RETURN(const bool forgotten, writer.IsForgotten(session, use.at, use.query));
  if (!use.query.empty() && !forgotten) {
    ST_ASSIGN_OR_RETURN(query, writer.InternBody(use.query));
  }
  PromptPk prompt;
  std::optional<int32_t> seq;
  if (use.prompt.has_value()) {
    prompt = use.prompt->pk;
    seq = use.prompt->seq;
  }
  // The usual case: the only word on this occurrence. Its neighbours, of which a session
  // may have thousands, are not looked at then.
  const bool counts = row.alone && use.counts && !use.polluted;
  const int rank = use.misattributed ? 0 : RankOf(use.capture);
  ST_RETURN_IF_ERROR(
      db.Run(kWriteUse, session, skill, prompt, seq, Blob{row.key}, Word(use.capture), rank, use.at,
             use.at.has_value() ? DayOf(*use.at) : 0, Word(use.outcome), Word(use.level),
             Word(use.route), Word(use.requested_by), use.mode, base::Trim(use.skill),
             use.confidence, OrNull{use.tool_name}, OrNull{use.agent_type}, query, OrNull{use.path},
             OrNull{use.scope}, use.polluted, OrNull{use.extra}, counts));
  const int64_t pk = row.pk != 0 ? row.pk : db.last_insert_id();
  if (!row.alone) {
    ST_RETURN_IF_ERROR(ResolveOccurrence(db, row.key));
  } else if (row.pk != 0) {
    ST_RETURN_IF_ERROR(db.Run(kSetCounts, pk, counts));
  }
  if (prompt) ST_RETURN_IF_ERROR(ResolveMisses(db, prompt, skill));
  return WrittenUse{.pk = pk, .is_new = row.pk == 0};
}

Status DropImportedUse(Db& db, int64_t pk) {
  std::string key;
  {
    ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kKeyOfUse, pk));
    ST_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (!found) return absl::OkStatus();
    key = row.Bytes(0);
  }
  ST_RETURN_IF_ERROR(db.Run(kDropUse, pk));
  return ResolveOccurrence(db, key);
}

StatusOr<std::vector<StoredUse>> UsesOfSession(Db& db, SessionPk session) {
  std::vector<StoredUse> out;
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kUses, session));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back({rows.Int(0), rows.String(1), rows.Bool(2)});
  }
}

StatusOr<FiguresSize> SizeOfFigures(Db& db, SessionPk session) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kSizeOfFigures, session));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  return found ? FiguresSize{row.Int(0), row.Int(1)} : FiguresSize{};
}

Status SetFigures(Db& db, SessionPk session, const ImportedFigures& f, UtcMillis now) {
  ST_RETURN_IF_ERROR(db.Run(kDropFigures, session));
  db.Count(Counter::kTelemetry, 1 - db.changes());
  ST_RETURN_IF_ERROR(db.Run(kDropTools, session));
  int64_t calls = 0;
  for (const auto& [tool, n] : f.tools) calls += n;
  ST_RETURN_IF_ERROR(db.Run(kAddFigures, session, calls, f.answers, f.errors, f.input_uncached,
                            f.cache_read, f.output, f.reasoning, f.cost_micro_usd, f.files_changed,
                            f.lines_added, f.lines_removed, f.lines_modified, f.artifacts,
                            OrNull{f.session_type}, now));
  // Which tool failed is not recorded there; the sums have to agree.
  int64_t errors = f.errors;
  for (const auto& [tool, n] : f.tools) {
    const int64_t share = std::min(errors, n);
    errors -= share;
    ST_RETURN_IF_ERROR(db.Run(kAddTool, session, tool, n, share));
  }
  return absl::OkStatus();
}

Status FillFigures(Db& db, SessionPk session, const ImportedFigures& f) {
  return db.Run(kFillFigures, session, f.answers, f.cost_micro_usd, f.files_changed, f.lines_added,
                f.lines_removed, f.lines_modified, f.artifacts, OrNull{f.session_type});
}

StatusOr<int64_t> FindSignal(Db& db, PromptPk prompt, std::string_view kind,
                             std::string_view mention) {
  return db.QueryInt(kFindSignal, 0, prompt, kind, mention);
}

Status SetSignalState(Db& db, const SignalState& state) {
  if (!state.consumed) return absl::OkStatus();
  return db.Run(kConsume, state.prompt, state.kind, state.mention, OrNull{state.run_id}, state.at);
}

StatusOr<bool> KnowsSkill(Db& db, std::string_view name) {
  ST_ASSIGN_OR_RETURN(const int64_t there,
                      db.QueryInt(kKnowsSkill, 0, base::AsciiLower(base::Trim(name))));
  return there != 0;
}

StatusOr<bool> HasImportTarget(Db& db, ImportTarget target, int64_t pk) {
  const char* sql = nullptr;
  switch (target) {
    case ImportTarget::kSession:
      sql = kHasSession;
      break;
    case ImportTarget::kPrompt:
      sql = kHasPrompt;
      break;
    case ImportTarget::kUse:
      sql = kHasUse;
      break;
    case ImportTarget::kSignal:
      sql = kHasSignal;
      break;
    case ImportTarget::kStep:
      sql = kHasStep;
      break;
  }
  ST_ASSIGN_OR_RETURN(const int64_t there, db.QueryInt(sql, 0, pk));
  return there != 0;
}

}  // namespace selftune::store
