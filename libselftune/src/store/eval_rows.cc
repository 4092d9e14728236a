#include "store/eval_rows.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"
#include "store/ingest_writer.h"

namespace selftune::store {
namespace {

// The strongest label of a prompt: curated over grader over signal; equal
// reasons that disagree say nothing.
constexpr char kLabels[] =
    "SELECT p.prompt_pk, s.session_id, p.seq, b.text, l.label, l.reason, p.occurred_ms, "
    "(SELECT o.cause FROM observation o WHERE o.prompt_pk=p.prompt_pk AND "
    "o.session_pk=p.session_pk "
    " AND o.skill_id=l.skill_id AND o.effective=1 AND o.outcome='missed' LIMIT 1) "
    "FROM label l JOIN skill k ON k.skill_id=l.skill_id JOIN prompt p ON p.prompt_pk=l.prompt_pk "
    "JOIN session s ON s.session_pk=p.session_pk JOIN body b ON b.body_id=p.body_id "
    "WHERE k.name_key=?1 AND p.actionable=1 AND b.text IS NOT NULL "
    "ORDER BY p.prompt_pk, CASE l.reason WHEN 'curated' THEN 0 WHEN 'grader' THEN 1 ELSE 2 END";

constexpr char kUses[] =
    "SELECT p.prompt_pk, s.session_id, p.seq, b.text, o.requested_by, p.occurred_ms "
    "FROM observation o JOIN skill k ON k.skill_id=o.skill_id JOIN prompt p ON "
    "p.prompt_pk=o.prompt_pk "
    "JOIN session s ON s.session_pk=p.session_pk JOIN body b ON b.body_id=p.body_id "
    "WHERE k.name_key=?1 AND o.effective=1 AND o.outcome='triggered' AND p.actionable=1 "
    "AND o.session_pk=p.session_pk AND b.text IS NOT NULL ORDER BY p.prompt_pk";

constexpr char kSiblings[] =
    "SELECT p.prompt_pk, s.session_id, p.seq, b.text, k.name, p.occurred_ms "
    "FROM (SELECT * FROM observation WHERE effective=1 ORDER BY coalesce(occurred_ms,0) DESC, "
    "obs_pk DESC LIMIT ?2) o JOIN skill k ON k.skill_id=o.skill_id JOIN prompt p ON "
    "p.prompt_pk=o.prompt_pk "
    "JOIN session s ON s.session_pk=p.session_pk JOIN body b ON b.body_id=p.body_id "
    "WHERE k.name_key<>?1 AND o.outcome='triggered' AND o.requested_by='model' AND p.actionable=1 "
    "AND o.session_pk=p.session_pk AND b.text IS NOT NULL ORDER BY p.prompt_pk";

constexpr char kDeactivate[] = "UPDATE eval_entry SET active=0 WHERE skill_id=?1 AND active=1";

constexpr char kUpsertEntry[] =
    "INSERT INTO eval_entry(skill_id,entry_id,query_body,should_trigger,invocation_type,source,"
    "label_confidence,split,cluster,active,first_ms,last_ms,extra) "
    "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,1,?10,?11,?12) ON CONFLICT(skill_id,entry_id) DO UPDATE SET "
    "should_trigger=excluded.should_trigger, invocation_type=excluded.invocation_type, "
    "source=excluded.source, label_confidence=excluded.label_confidence, active=1, "
    "first_ms=min(first_ms,excluded.first_ms), last_ms=max(last_ms,excluded.last_ms), "
    "extra=excluded.extra WHERE (SELECT text IS NOT NULL FROM body WHERE "
    "body_id=eval_entry.query_body)";

// Its words were forgotten. ?3 may be so, too: of a text that was emptied where it was.
constexpr char kRefill[] = R"sql(
  UPDATE eval_entry SET query_body=?3 WHERE skill_id=?1 AND entry_id=?2
    AND (SELECT text IS NULL FROM body WHERE body_id=eval_entry.query_body))sql";

constexpr char kReadEntries[] =
    "SELECT e.entry_id, b.text, e.should_trigger, e.invocation_type, e.source, e.label_confidence,"
    " e.split, e.cluster, e.extra, e.first_ms, e.last_ms FROM eval_entry e "
    "JOIN skill k ON k.skill_id=e.skill_id JOIN body b ON b.body_id=e.query_body "
    "WHERE k.name_key=?1 ORDER BY e.entry_id";

constexpr char kInsertReplay[] =
    "INSERT OR REPLACE INTO replay_result(proposal_id,run_id,phase,entry_no,rep,skill_id,"
    "validation_mode,control,query_body,should_trigger,triggered,passed) "
    "VALUES(?1,?2,?3,?4,?5,?6,'llm_judge',0,?7,?8,?9,?10)";

PromptEvidence Base(const Cursor& row) {
  PromptEvidence out;
  out.prompt = row.Key<PromptPk>(0);
  out.session_id = row.String(1);
  out.prompt_id = out.session_id + ":p" + std::to_string(row.Int(2));
  out.text = row.String(3);
  return out;
}

EvidenceKind KindOf(std::string_view label) {
  if (label == "should") return EvidenceKind::kLabelShould;
  if (label == "should_not") return EvidenceKind::kLabelShouldNot;
  return EvidenceKind::kUnclear;
}

// A prompt's labels come strongest first; the first one counts, and a
// disagreement at the same strength takes it away.
Status AddLabels(Db& db, std::string_view key, std::vector<PromptEvidence>& out) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kLabels, key));
  std::optional<PromptEvidence> held;
  std::string held_label;
  const auto flush = [&] {
    if (!held.has_value()) return;
    held->kind = KindOf(held_label);
    out.push_back(std::move(*held));
    held.reset();
  };
  while (true) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) break;
    const std::string_view label = rows.Text(4);
    if (held.has_value() && held->prompt == rows.Key<PromptPk>(0)) {
      if (held->reason == rows.Text(5) && held_label != label) held_label = "unknown";
      continue;
    }
    flush();
    held = Base(rows);
    held_label = std::string(label);
    held->reason = rows.String(5);
    held->at = rows.OptTime(6);
    held->miss_cause = rows.String(7);
  }
  flush();
  return absl::OkStatus();
}

Status AddUses(Db& db, std::string_view key, std::vector<PromptEvidence>& out) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kUses, key));
  while (true) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return absl::OkStatus();
    PromptEvidence& entry = out.emplace_back(Base(rows));
    entry.kind = rows.Text(4) == "user" ? EvidenceKind::kStarted : EvidenceKind::kTriggered;
    entry.at = rows.OptTime(5);
  }
}

Status AddSiblings(Db& db, std::string_view key, int64_t limit, std::vector<PromptEvidence>& out) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kSiblings, key, limit));
  while (true) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return absl::OkStatus();
    PromptEvidence& entry = out.emplace_back(Base(rows));
    entry.kind = EvidenceKind::kSibling;
    entry.other_skill = rows.String(4);
    entry.at = rows.OptTime(5);
  }
}

}  // namespace

StatusOr<std::vector<PromptEvidence>> ReadPromptEvidence(Db& db, std::string_view skill,
                                                         int64_t max_siblings) {
  const std::string key = base::AsciiLower(skill);
  std::vector<PromptEvidence> out;
  ST_RETURN_IF_ERROR(AddLabels(db, key, out));
  ST_RETURN_IF_ERROR(AddUses(db, key, out));
  ST_RETURN_IF_ERROR(AddSiblings(db, key, max_siblings, out));
  return out;
}

Status StoreEvalEntries(Db& db, std::string_view skill, const std::vector<EvalEntryRow>& entries,
                        UtcMillis now) {
  IngestWriter writer(db, now);
  ST_ASSIGN_OR_RETURN(const SkillId id, writer.EnsureSkill(skill));
  ST_RETURN_IF_ERROR(db.Run(kDeactivate, id));
  for (const EvalEntryRow& entry : entries) {
    ST_ASSIGN_OR_RETURN(const BodyId query, writer.InternBody(entry.query));
    if (entry.source == kOfFile) {
      ST_RETURN_IF_ERROR(db.Run(kRefill, id, entry.entry_id, query));
    }
    ST_RETURN_IF_ERROR(db.Run(kUpsertEntry, id, entry.entry_id, query, entry.should_trigger,
                              entry.invocation_type, entry.source, entry.label_confidence,
                              entry.split, OrNull{entry.cluster}, entry.first, entry.last,
                              OrNull{entry.extra}));
  }
  db.Touch(kTopicEvolution);
  return absl::OkStatus();
}

StatusOr<std::vector<EvalEntryRow>> ReadEvalEntries(Db& db, std::string_view skill) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kReadEntries, base::AsciiLower(skill)));
  std::vector<EvalEntryRow> out;
  while (true) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    EvalEntryRow& entry = out.emplace_back();
    entry.entry_id = rows.String(0);
    entry.query = rows.String(1);
    entry.should_trigger = rows.Bool(2);
    entry.invocation_type = rows.String(3);
    entry.source = rows.String(4);
    entry.label_confidence = rows.Double(5);
    entry.split = rows.String(6);
    entry.cluster = rows.String(7);
    entry.extra = rows.String(8);
    entry.first = rows.Time(9);
    entry.last = rows.Time(10);
  }
}

Status AddReplayResults(Db& db, const std::vector<ReplayRow>& rows, UtcMillis now) {
  IngestWriter writer(db, now);
  for (const ReplayRow& row : rows) {
    ST_ASSIGN_OR_RETURN(const SkillId skill, writer.EnsureSkill(row.skill));
    ST_ASSIGN_OR_RETURN(const BodyId query, writer.InternBody(row.query));
    std::optional<bool> passed;
    if (row.triggered.has_value()) passed = *row.triggered == row.should_trigger;
    ST_RETURN_IF_ERROR(db.Run(kInsertReplay, row.proposal_id, row.run_id, row.phase, row.entry_no,
                              row.rep, skill, query, row.should_trigger, row.triggered, passed));
  }
  db.Touch(kTopicEvolution);
  return absl::OkStatus();
}

}  // namespace selftune::store
