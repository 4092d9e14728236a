// The IngestWriter's skill decisions, judged misses, signals and labels.
#include <optional>
#include <string>
#include <string_view>

#include "base/status_macros.h"
#include "base/strings.h"
#include "store/identity.h"
#include "store/ingest_writer.h"
#include "store/resolver.h"
#include "store/writer_impl.h"

namespace selftune::store {
namespace {

// Of a row that is known to be new or known to be there: one statement for both
// brings the triggers of both and takes three times as long to prepare. The two
// take the same values.
constexpr char kAdd[] = R"sql(
  INSERT INTO observation(session_pk,skill_id,prompt_pk,prompt_seq,occurrence_key,capture,capture_rank,occurred_ms,day,
    outcome,level,route,requested_by,mode,skill_text,args,forked,body_sha256,description_sha256,source_record,confidence,
    tool_name,tool_call_id,location,scope,polluted,effective,source_id,generation,offset,line_no)
  VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24,?25,?26,?27,?28,?29,?30,?31))sql";
constexpr char kReplace[] = R"sql(
  UPDATE observation SET skill_id=?2, prompt_pk=?3, prompt_seq=?4, occurred_ms=?8, day=?9, outcome=?10, level=?11,
    route=?12, requested_by=?13, mode=?14, skill_text=?15, args=?16, forked=?17, body_sha256=coalesce(?18,body_sha256),
    description_sha256=coalesce(?19,description_sha256), source_record=?20, confidence=?21, tool_name=?22,
    tool_call_id=?23, location=coalesce(?24,location), scope=coalesce(?25,scope), polluted=?26, source_id=?28,
    generation=?29, offset=?30, line_no=?31, rev=rev+1 WHERE occurrence_key=?5 AND capture=?6)sql";
constexpr char kFindOld[] = R"sql(
  SELECT obs_pk,session_pk,prompt_pk,skill_id,capture=?2 FROM observation WHERE occurrence_key=?1)sql";
constexpr char kDelete[] = R"sql(DELETE FROM observation WHERE obs_pk=?1)sql";
constexpr char kReadPrompt[] = R"sql(
  SELECT p.session_pk,p.seq,p.occurred_ms,s.platform,s.session_id,
    coalesce(p.occurred_ms,s.started_ms,s.ended_ms,f.mtime_ns/1000000) FROM prompt p JOIN session s ON s.session_pk=p.session_pk
  LEFT JOIN source_file f ON f.source_id=p.source_id AND f.mtime_ns>0 WHERE p.prompt_pk=?1)sql";
constexpr char kUpsertMissed[] = R"sql(
  INSERT INTO observation(session_pk,skill_id,prompt_pk,prompt_seq,occurrence_key,capture,capture_rank,occurred_ms,day,
    outcome,skill_text,confidence,cause,reason)
  VALUES(?1,?2,?3,?4,?5,'label',1,?6,?7,'missed',?8,?9,?10,?11)
  ON CONFLICT(occurrence_key,capture) DO UPDATE SET prompt_pk=excluded.prompt_pk, occurred_ms=excluded.occurred_ms,
    day=excluded.day, confidence=excluded.confidence, cause=excluded.cause, reason=excluded.reason, rev=rev+1
  WHERE prompt_pk IS NOT excluded.prompt_pk OR occurred_ms IS NOT excluded.occurred_ms
    OR confidence<>excluded.confidence OR cause IS NOT excluded.cause OR reason IS NOT excluded.reason)sql";
constexpr char kAddSignal[] = R"sql(
  INSERT INTO improvement_signal(session_pk,prompt_pk,skill_id,mention,kind,resolved,occurred_ms)
  VALUES(?1,?2,?3,?4,?5,?6,?7)
  ON CONFLICT DO UPDATE SET occurred_ms=excluded.occurred_ms, skill_id=coalesce(skill_id,excluded.skill_id),
    resolved=max(resolved,excluded.resolved)
  WHERE occurred_ms<>excluded.occurred_ms OR resolved<excluded.resolved)sql";
constexpr char kAddLabel[] = R"sql(
  INSERT INTO label(prompt_pk,skill_id,label,reason,source,weight,at_ms,run_id,detail) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)
  ON CONFLICT(prompt_pk,skill_id,reason,source) DO UPDATE SET label=excluded.label, weight=excluded.weight,
    at_ms=excluded.at_ms, run_id=excluded.run_id, detail=excluded.detail
  WHERE label<>excluded.label OR weight<>excluded.weight OR run_id IS NOT excluded.run_id
    OR detail IS NOT excluded.detail)sql";

int64_t DayOrZero(const std::optional<UtcMillis>& at) { return at.has_value() ? DayOf(*at) : 0; }

// A row of an occurrence: of this capture, else of another one.
struct OldRow {
  bool seen = false;  // by any capture
  int64_t pk = 0;     // 0 when this capture has none
  SessionPk session = {};
  PromptPk prompt = {};
  SkillId skill = {};
};

StatusOr<OldRow> FindOld(Db& db, std::string_view key, Capture capture) {
  OldRow out;
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kFindOld, Blob{key}, Word(capture)));
  while (out.pk == 0) {
    ST_ASSIGN_OR_RETURN(const bool more, row.Next());
    if (!more) break;
    const bool same = row.Bool(4);
    if (out.seen && !same) continue;
    out = {.seen = true,
           .pk = same ? row.Int(0) : 0,
           .session = row.Key<SessionPk>(1),
           .prompt = row.Key<PromptPk>(2),
           .skill = row.Key<SkillId>(3)};
  }
  return out;
}

// Where a judged prompt stands.
struct PromptPlace {
  SessionPk session;
  int32_t seq = 0;
  std::optional<UtcMillis> at;
  std::string platform, session_id;
  std::optional<UtcMillis> about;  // when it was typed at about
};

StatusOr<PromptPlace> PlaceOf(Db& db, PromptPk prompt) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kReadPrompt, prompt));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return Fail(kNotFound, "judging prompt {}: no such row", prompt.value);
  return PromptPlace{row.Key<SessionPk>(0), static_cast<int32_t>(row.Int(1)),
                     row.OptTime(2),        row.String(3),
                     row.String(4),         row.OptTime(5)};
}

}  // namespace

Status IngestWriter::UpsertObservation(SessionPk session, const ObservationRow& row) {
  ST_ASSIGN_OR_RETURN(const SkillId skill, impl_->EnsureSkill(row.skill));
  ST_ASSIGN_OR_RETURN(SessionMemo * memo, impl_->Memo(session));
  Db& db = impl_->db;
  // A subagent's rows belong to a prompt of its root (link.cc finds it).
  PromptPk prompt = memo->parent_prompt;
  if (memo->kind != SessionKind::kSubagent) {
    prompt = {};
    if (row.prompt_seq.has_value()) {
      ST_ASSIGN_OR_RETURN(prompt, impl_->ActionablePrompt(*memo, *row.prompt_seq));
    }
  }
  const std::string key = OccurrenceKey(memo->platform, memo->id, row.key, row.key_is_call_id);
  ST_ASSIGN_OR_RETURN(const OldRow old, FindOld(db, key, row.capture));
  ST_ASSIGN_OR_RETURN(const bool forgotten,
                      row.args.has_value() ? impl_->IsPromptForgotten(*memo, row.at, row.prompt_seq)
                                           : StatusOr<bool>(false));
  std::optional<uint64_t> line;
  if (row.origin.line_no > 0) line = row.origin.line_no;
  // The usual case: the only word on this occurrence, so it counts.
  const bool alone = !old.seen && !row.polluted && RankOf(row.capture) > RankOf(Capture::kHook);
  ST_RETURN_IF_ERROR(db.Run(
      old.pk == 0 ? kAdd : kReplace, session, skill, prompt, row.prompt_seq, Blob{key},
      Word(row.capture), RankOf(row.capture), row.at, DayOrZero(row.at), Word(row.outcome),
      Word(row.level), Word(row.route), Word(row.requested_by), Word(row.mode), row.skill,
      forgotten ? std::nullopt : row.args, row.forked, Blob{row.body_sha256},
      Blob{row.description_sha256}, OrNull{row.origin.record}, ConfidenceOf(row.level),
      OrNull{row.tool_name}, OrNull{row.tool_call_id}, OrNull{row.path}, OrNull{row.scope},
      row.polluted, alone, row.origin.source, row.origin.generation, row.origin.offset, line));
  if (!alone) ST_RETURN_IF_ERROR(ResolveOccurrence(db, key));
  ST_RETURN_IF_ERROR(ResolveNeighbours(db, session, prompt, skill));
  // A hook may have known less of where it belongs.
  const bool moved = old.seen && (old.prompt != prompt || old.skill != skill);
  return moved ? ResolveNeighbours(db, session, old.prompt, old.skill) : absl::OkStatus();
}

Status IngestWriter::RetractObservation(SessionPk session, std::string_view key,
                                        bool key_is_call_id, std::string_view /*skill*/,
                                        Capture capture) {
  ST_ASSIGN_OR_RETURN(const SessionMemo* memo, impl_->Memo(session));
  const std::string occurrence = OccurrenceKey(memo->platform, memo->id, key, key_is_call_id);
  Db& db = impl_->db;
  ST_ASSIGN_OR_RETURN(const OldRow old, FindOld(db, occurrence, capture));
  if (old.pk == 0) return absl::OkStatus();
  ST_RETURN_IF_ERROR(db.Run(kDelete, old.pk));
  ST_RETURN_IF_ERROR(ResolveOccurrence(db, occurrence));
  return ResolveNeighbours(db, old.session, old.prompt, old.skill);
}

Status IngestWriter::AddMissed(const MissedRow& row) {
  ST_ASSIGN_OR_RETURN(const SkillId skill, impl_->EnsureSkill(row.skill));
  Db& db = impl_->db;
  ST_ASSIGN_OR_RETURN(const PromptPlace at, PlaceOf(db, row.prompt));
  const std::string_view name = base::Trim(row.skill);
  const std::string key = MissedKey(at.platform, at.session_id, at.seq, base::AsciiLower(name));
  ST_RETURN_IF_ERROR(db.Run(kUpsertMissed, at.session, skill, row.prompt, at.seq, Blob{key}, at.at,
                            DayOrZero(at.at), name, row.confidence, Word(row.cause),
                            Word(row.reason)));
  return ResolveOccurrence(db, key);
}

StatusOr<bool> IngestWriter::AddSignal(const SignalRow& row) {
  SkillId skill;
  if (!row.skill.empty()) {
    ST_ASSIGN_OR_RETURN(skill, impl_->EnsureSkill(row.skill));
  }
  ST_RETURN_IF_ERROR(impl_->CheckMemory());
  Db& db = impl_->db;
  ST_ASSIGN_OR_RETURN(const PromptPlace at, PlaceOf(db, row.prompt));
  const UtcMillis when = row.at.value_or(at.about.value_or(impl_->now));
  ST_RETURN_IF_ERROR(db.Run(kAddSignal, at.session, row.prompt, skill,
                            base::AsciiLower(row.mention), Word(row.kind), static_cast<bool>(skill),
                            when));
  return db.changes() > 0;
}

Status IngestWriter::AddLabel(const LabelRow& row) {
  ST_ASSIGN_OR_RETURN(const SkillId skill, impl_->EnsureSkill(row.skill));
  Db& db = impl_->db;
  ST_RETURN_IF_ERROR(db.Run(kAddLabel, row.prompt, skill, Word(row.label), Word(row.reason),
                            row.source, row.weight, impl_->now, OrNull{row.run_id},
                            OrNull{row.detail}));
  return ResolveMisses(db, row.prompt, skill);
}

}  // namespace selftune::store
