// The IngestWriter's sessions: merging, reading again, removing.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status_macros.h"
#include "store/commit_rows.h"
#include "store/hook_evidence.h"
#include "store/identity.h"
#include "store/ingest_writer.h"
#include "store/resolver.h"
#include "store/signal_words.h"
#include "store/writer_impl.h"

namespace selftune::store {
namespace {

// Fields that the first record tells: a stronger capture replaces them, an
// equal or weaker one only fills gaps. ?4 is the rank of the update.
constexpr char kMerge[] = R"sql(
  UPDATE session SET
    link_pending=CASE WHEN ?2='subagent' AND (kind<>'subagent' OR coalesce(?6,parent_text) IS NOT parent_text
        OR coalesce(?7,root_text) IS NOT root_text OR coalesce(?8,spawn_call_id) IS NOT spawn_call_id
        OR coalesce(?9,link_prompt_native) IS NOT link_prompt_native OR (link_pending=2 AND ?23<started_ms)) THEN 1 ELSE link_pending END,
    kind=CASE WHEN ?2<>'main' OR ?29 THEN ?2 ELSE kind END,
    parent_text=coalesce(?6,parent_text), root_text=coalesce(?7,root_text),
    spawn_call_id=coalesce(?8,spawn_call_id), link_prompt_native=coalesce(?9,link_prompt_native),
    inherit_pending=CASE WHEN ?11 IS NOT NULL AND fork_end_offset IS NULL THEN 1 ELSE inherit_pending END,
    forked_from=CASE WHEN ?4>capture_rank THEN coalesce(?10,forked_from) ELSE coalesce(forked_from,?10) END,
    fork_end_offset=coalesce(?11,fork_end_offset),
    host_version=CASE WHEN ?4>capture_rank THEN coalesce(?12,host_version) ELSE coalesce(host_version,?12) END,
    agent_cli=CASE WHEN ?4>capture_rank THEN coalesce(?13,agent_cli) ELSE coalesce(agent_cli,?13) END,
    agent_type=CASE WHEN ?4>capture_rank THEN coalesce(?14,agent_type) ELSE coalesce(agent_type,?14) END,
    provider=CASE WHEN ?4>capture_rank THEN coalesce(?15,provider) ELSE coalesce(provider,?15) END,
    model=CASE WHEN ?4>capture_rank THEN coalesce(?16,model) ELSE coalesce(model,?16) END,
    workspace_id=CASE WHEN ?4>capture_rank THEN coalesce(?17,workspace_id) ELSE coalesce(workspace_id,?17) END,
    branch=CASE WHEN ?4>capture_rank THEN coalesce(?18,branch) ELSE coalesce(branch,?18) END,
    commit_sha=CASE WHEN ?4>capture_rank THEN coalesce(?19,commit_sha) ELSE coalesce(commit_sha,?19) END,
    repo_remote=CASE WHEN ?4>capture_rank THEN coalesce(?20,repo_remote) ELSE coalesce(repo_remote,?20) END,
    depth=coalesce(?21,depth), archived=coalesce(?22,archived),
    started_ms=CASE WHEN ?4>capture_rank THEN coalesce(?23,started_ms) WHEN ?4<capture_rank THEN coalesce(started_ms,?23)
      ELSE coalesce(min(started_ms,?23),started_ms,?23) END,
    ended_ms=CASE WHEN ?4>capture_rank THEN coalesce(?24,ended_ms) WHEN ?4<capture_rank THEN coalesce(ended_ms,?24)
      ELSE coalesce(max(ended_ms,?24),ended_ms,?24) END,
    born_ms=coalesce(min(born_ms,?25),born_ms,?25),
    completion=CASE WHEN ?4>=capture_rank THEN coalesce(?26,completion) ELSE coalesce(completion,?26) END,
    source_id=CASE WHEN ?4>=capture_rank THEN coalesce(?27,source_id) ELSE coalesce(source_id,?27) END,
    generation=max(generation,?28),
    capture=CASE WHEN ?4>capture_rank THEN ?3 ELSE capture END,
    capture_rank=max(capture_rank,?4), rev=rev+1, updated_ms=?5
  WHERE session_pk=?1)sql";
// Links of sessions below one whose own place changed.
constexpr char kRelinkBelow[] = R"sql(
  UPDATE session SET link_pending=1 WHERE root_pk=?1 AND session_pk<>?1)sql";

// Of a session that turns out to be no person's.
constexpr char kUnlinkPrompts[] = R"sql(
  UPDATE observation SET prompt_pk=NULL WHERE prompt_pk IN(SELECT prompt_pk FROM prompt WHERE session_pk=?1))sql";
constexpr char kNobodysPrompts[] = R"sql(
  UPDATE prompt SET kind=?2, actionable=0, rev=rev+1 WHERE session_pk=?1 AND actionable=1)sql";

constexpr char kDropMetrics[] = R"sql(DELETE FROM session_metric WHERE session_pk=?1)sql";
constexpr char kSetOutranked[] = R"sql(
  INSERT INTO meta(key,value) SELECT 'outranked.'||?1,'1' WHERE EXISTS(SELECT 1 FROM prompt
    WHERE session_pk=?1 AND source_id IS NULL AND capture IN('repair','legacy')) ON CONFLICT DO NOTHING)sql";
constexpr char kDropTools[] = R"sql(DELETE FROM session_tool WHERE session_pk=?1)sql";
constexpr char kDropEvents[] = R"sql(
  DELETE FROM session_event WHERE session_pk=?1 AND source_id NOT IN(SELECT source_id FROM source_file WHERE kept=1))sql";
constexpr char kDropExposures[] = R"sql(
  DELETE FROM exposure WHERE session_pk=?1 AND coalesce(source_id,0) NOT IN(SELECT source_id FROM source_file WHERE kept=1))sql";
constexpr char kDropSpawns[] = R"sql(DELETE FROM spawn WHERE session_pk=?1)sql";
constexpr char kDropKeys[] = R"sql(
  DELETE FROM session_keys WHERE session_pk=?1 AND source_id NOT IN(SELECT source_id FROM source_file WHERE kept=1))sql";
constexpr char kDropPartMetrics[] = R"sql(
  DELETE FROM part_metric WHERE session_pk=?1 AND source_id NOT IN(SELECT source_id FROM source_file WHERE kept=1))sql";
constexpr char kDropPartTools[] = R"sql(
  DELETE FROM part_tool WHERE session_pk=?1 AND source_id NOT IN(SELECT source_id FROM source_file WHERE kept=1))sql";
// What the kept files gave.
constexpr char kSumMetrics[] = R"sql(
  INSERT INTO session_metric(session_pk,total_tool_calls,tool_errors,nonzero_exits,denied,unfinished_calls,failed_turns,
    interruptions,compactions,api_errors,answers,input_uncached,cache_read,cache_write,output_tokens,reasoning_tokens,
    overhead_input,overhead_output,cost_micro_usd,updated_ms)
  SELECT session_pk,sum(total_tool_calls),sum(tool_errors),sum(nonzero_exits),sum(denied),sum(unfinished_calls),
    sum(failed_turns),sum(interruptions),sum(compactions),sum(api_errors),sum(answers),sum(input_uncached),sum(cache_read),
    sum(cache_write),sum(output_tokens),sum(reasoning_tokens),sum(overhead_input),sum(overhead_output),
    sum(cost_micro_usd),?2 FROM part_metric WHERE session_pk=?1 GROUP BY session_pk)sql";
constexpr char kSumTools[] = R"sql(
  INSERT INTO session_tool(session_pk,tool,calls,errors,nonzero_exits,denied,unfinished)
  SELECT session_pk,tool,sum(calls),sum(errors),sum(nonzero_exits),sum(denied),sum(unfinished) FROM part_tool
  WHERE session_pk=?1 GROUP BY session_pk,tool HAVING sum(calls)>0)sql";
constexpr char kDropAnchors[] = R"sql(DELETE FROM session_anchor WHERE session_pk=?1)sql";
// What was drawn from the texts is drawn again from what is read again; a
// signal that somebody acted on stays, and so does what only hooks or kept files know.
constexpr char kDropSignals[] = R"sql(
  DELETE FROM improvement_signal WHERE session_pk=?1 AND state='pending' AND prompt_pk NOT IN(
    SELECT prompt_pk FROM prompt WHERE session_pk=?1 AND(source_id IS NULL
      OR source_id IN(SELECT source_id FROM source_file WHERE kept=1))))sql";
constexpr char kDropSignalLabels[] = R"sql(
  DELETE FROM label WHERE reason='signal' AND prompt_pk IN(SELECT prompt_pk FROM prompt WHERE session_pk=?1
    AND source_id IS NOT NULL AND source_id NOT IN(SELECT source_id FROM source_file WHERE kept=1)))sql";
constexpr char kDropSignalMisses[] = R"sql(
  DELETE FROM observation WHERE session_pk=?1 AND capture='label' AND reason='signal' AND coalesce(prompt_pk,0) NOT IN(
    SELECT prompt_pk FROM prompt WHERE session_pk=?1 AND(source_id IS NULL
      OR source_id IN(SELECT source_id FROM source_file WHERE kept=1))))sql";
constexpr char kClearSession[] = R"sql(
  UPDATE session SET kind='main', parent_pk=NULL, root_pk=session_pk, parent_prompt_pk=NULL, forked_from=NULL,
    fork_end_offset=NULL, born_ms=NULL, link_pending=0, parent_text=NULL, root_text=NULL, spawn_call_id=NULL,
    link_prompt_native=NULL, inherit_pending=0, depth=NULL, host_version=NULL, workspace_id=NULL, agent_cli=NULL,
    agent_type=NULL, provider=NULL, model=NULL, branch=NULL, commit_sha=NULL, repo_remote=NULL, started_ms=NULL,
    ended_ms=NULL, completion=NULL, capture=NULL, capture_rank=0, generation=?2, rev=rev+1, updated_ms=?3
  WHERE session_pk=?1)sql";

// A session of whose files one is gone: what that one told stays.
constexpr char kReadAgain[] = R"sql(
  UPDATE session SET generation=?2, rev=rev+1, updated_ms=?3 WHERE session_pk=?1)sql";

constexpr char kUnlinkSwept[] = R"sql(
  UPDATE session SET parent_prompt_pk=NULL, link_pending=1 WHERE root_pk=?1 AND parent_prompt_pk IN
    (SELECT prompt_pk FROM prompt WHERE session_pk=?1 AND source_id IS NOT NULL AND generation<?2
    AND source_id NOT IN(SELECT source_id FROM source_file WHERE kept=1)))sql";
constexpr char kCountSwept[] = R"sql(
  SELECT count(*) FROM prompt WHERE session_pk=?1 AND source_id IS NOT NULL AND generation<?2
    AND source_id NOT IN(SELECT source_id FROM source_file WHERE kept=1) AND seen_mask&~?3=0
    AND actionable=1)sql";
// A judgement about a prompt goes with it, as labels do.
constexpr char kSweepMisses[] = R"sql(
  DELETE FROM observation WHERE capture='label' AND prompt_pk IN
    (SELECT prompt_pk FROM prompt WHERE session_pk=?1 AND source_id IS NOT NULL AND generation<?2
    AND source_id NOT IN(SELECT source_id FROM source_file WHERE kept=1) AND seen_mask&~?3=0))sql";
constexpr char kSweepPrompts[] = R"sql(
  DELETE FROM prompt WHERE session_pk=?1 AND source_id IS NOT NULL AND generation<?2
    AND source_id NOT IN(SELECT source_id FROM source_file WHERE kept=1) AND seen_mask&~?3=0)sql";
constexpr char kDemotePrompts[] = R"sql(
  UPDATE prompt SET seen_mask=seen_mask&~?3, capture=CASE WHEN seen_mask&2 THEN 'hook' ELSE 'legacy' END, source_id=NULL, offset=NULL, line_no=NULL
  WHERE session_pk=?1 AND source_id IS NOT NULL AND generation<?2
    AND source_id NOT IN(SELECT source_id FROM source_file WHERE kept=1))sql";
constexpr char kStaleObservations[] = R"sql(
  SELECT obs_pk,occurrence_key,prompt_pk,skill_id FROM observation
  WHERE session_pk=?1 AND source_id IS NOT NULL AND generation<?2
    AND source_id NOT IN(SELECT source_id FROM source_file WHERE kept=1))sql";
constexpr char kDropObservation[] = R"sql(DELETE FROM observation WHERE obs_pk=?1)sql";

constexpr char kSourceSessions[] =
    R"sql(SELECT session_pk,generation FROM session WHERE source_id=?1)sql";
constexpr char kStillKnown[] = R"sql(
  SELECT EXISTS(SELECT 1 FROM prompt WHERE session_pk=?1) OR EXISTS(SELECT 1 FROM observation WHERE session_pk=?1)
    OR EXISTS(SELECT 1 FROM session WHERE root_pk=?1 AND session_pk<>?1)
    OR EXISTS(SELECT 1 FROM session WHERE parent_pk=?1))sql";
constexpr char kCountPrompts[] =
    R"sql(SELECT count(*) FROM prompt WHERE session_pk=?1 AND actionable=1)sql";
constexpr char kHasMetrics[] = R"sql(SELECT 1 FROM session_metric WHERE session_pk=?1)sql";
constexpr char kDeleteSession[] = R"sql(DELETE FROM session WHERE session_pk=?1)sql";
constexpr char kBelow[] = R"sql(
  SELECT session_pk FROM session WHERE root_pk=?1 AND session_pk<>?1
  UNION SELECT session_pk FROM session WHERE parent_pk=?1)sql";
constexpr char kCutLoose[] = R"sql(
  UPDATE session SET parent_pk=NULL, parent_prompt_pk=NULL, root_pk=session_pk WHERE session_pk=?1)sql";

const int kFileRank = RankOf(Capture::kBatch);

// Bits of the captures that come from files.
const int kFileBits = SeenBit(Capture::kTranscript) | SeenBit(Capture::kBatch);

StatusOr<std::vector<SessionPk>> Sessions(StatusOr<Cursor> query) {
  ST_ASSIGN_OR_RETURN(Cursor rows, std::move(query));
  std::vector<SessionPk> out;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back(rows.Key<SessionPk>(0));
  }
}

Status DeleteSession(Db& db, SessionPk session) {
  ST_ASSIGN_OR_RETURN(const int64_t prompts, db.QueryInt(kCountPrompts, 0, session));
  ST_ASSIGN_OR_RETURN(const int64_t metrics, db.QueryInt(kHasMetrics, 0, session));
  db.Count(Counter::kPrompts, -prompts);
  db.Count(Counter::kTelemetry, -metrics);
  db.Count(Counter::kSessions, -1);
  return db.Run(kDeleteSession, session);
}

// Prompts that were taken for a person's before the session's kind was known.
Status DisownPrompts(Db& db, SessionMemo& memo) {
  ST_ASSIGN_OR_RETURN(const int64_t prompts, db.QueryInt(kCountPrompts, 0, memo.pk));
  if (prompts == 0) return absl::OkStatus();
  ST_RETURN_IF_ERROR(ForgetWords(db, memo.pk));
  ST_RETURN_IF_ERROR(db.Run(kUnlinkPrompts, memo.pk));
  ST_RETURN_IF_ERROR(db.Run(kNobodysPrompts, memo.pk, Word(TypedIn(memo.kind))));
  db.Count(Counter::kPrompts, -prompts);
  memo.last_seq = -1;
  return absl::OkStatus();
}

}  // namespace

StatusOr<SessionPk> IngestWriter::UpdateSession(const SessionUpdate& update) {
  ST_ASSIGN_OR_RETURN(const SessionPk session, impl_->EnsureSession(update.platform, update.id));
  for (const std::string_view other : {update.parent_id, update.root_id}) {
    if (other.empty()) continue;
    ST_RETURN_IF_ERROR(impl_->EnsureSession(update.platform, other).status());
  }
  ST_ASSIGN_OR_RETURN(SessionMemo * memo, impl_->Memo(session));
  ST_ASSIGN_OR_RETURN(const int64_t workspace,
                      impl_->EnsureWorkspace(update.cwd, update.repo_remote));
  std::optional<int64_t> workspace_id, depth;
  if (workspace != 0) workspace_id = workspace;
  if (update.depth != 0) depth = update.depth;
  std::optional<std::string_view> completion;
  if (update.completion.has_value()) completion = Word(*update.completion);
  Db& db = impl_->db;
  ST_RETURN_IF_ERROR(
      db.Run(kMerge, session, Word(update.kind), Word(update.capture), RankOf(update.capture),
             impl_->now, OrNull{update.parent_id}, OrNull{update.root_id},
             OrNull{update.spawn_call_id}, OrNull{update.prompt_native_id},
             OrNull{update.forked_from}, update.fork_end_offset, OrNull{update.host_version},
             OrNull{update.agent_cli}, OrNull{update.agent_type}, OrNull{update.provider},
             OrNull{update.model}, workspace_id, OrNull{update.branch}, OrNull{update.commit_sha},
             OrNull{update.repo_remote}, depth, update.archived, update.started, update.ended,
             update.born, completion, update.source, update.generation, update.kind_certain));
  ST_RETURN_IF_ERROR(MarkCommitsDue(db, session));
  const bool says_kind = update.kind != SessionKind::kMain || update.kind_certain;
  const int told_by = memo->rank;
  memo->rank = std::max(told_by, RankOf(update.capture));
  if (told_by < kFileRank && memo->rank >= kFileRank && !(told_by == 0 && memo->made_here)) {
    ST_RETURN_IF_ERROR(impl_->Outrank(*memo));
  }
  if (says_kind && update.kind != memo->kind) {
    memo->kind = update.kind;
    ST_RETURN_IF_ERROR(db.Run(kRelinkBelow, session));
    if (update.kind != SessionKind::kMain) ST_RETURN_IF_ERROR(DisownPrompts(db, *memo));
  }
  return session;
}

Status IngestWriter::Impl::Outrank(const SessionMemo& memo) {
  ST_RETURN_IF_ERROR(db.Run(kDropMetrics, memo.pk));
  db.Count(Counter::kTelemetry, -db.changes());
  ST_RETURN_IF_ERROR(db.Run(kDropTools, memo.pk));
  return db.Run(kSetOutranked, memo.pk);
}

Status IngestWriter::ResetSession(SessionPk session, int64_t generation, bool behind_kept) {
  ST_RETURN_IF_ERROR(impl_->Memo(session).status());
  Db& db = impl_->db;
  ST_RETURN_IF_ERROR(db.Run(kDropMetrics, session));
  db.Count(Counter::kTelemetry, -db.changes());
  for (const char* sql : {kDropTools, kDropPartMetrics, kDropPartTools, kDropEvents, kDropExposures,
                          kDropKeys, kDropSignals, kDropSignalLabels, kDropSignalMisses}) {
    ST_RETURN_IF_ERROR(db.Run(sql, session));
  }
  impl_->Forget(session);
  if (behind_kept) {
    ST_RETURN_IF_ERROR(db.Run(kSumMetrics, session, impl_->now));
    db.Count(Counter::kTelemetry, db.changes());
    ST_RETURN_IF_ERROR(db.Run(kSumTools, session));
    return db.Run(kReadAgain, session, generation, impl_->now);
  }
  ST_RETURN_IF_ERROR(db.Run(kDropSpawns, session));
  ST_RETURN_IF_ERROR(db.Run(kDropAnchors, session));
  return db.Run(kClearSession, session, generation, impl_->now);
}

Status IngestWriter::Impl::SweepObservations(SessionPk session, int64_t generation) {
  struct Stale {
    int64_t pk;
    std::string key;
    PromptPk prompt;
    SkillId skill;
  };
  std::vector<Stale> stale;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kStaleObservations, session, generation));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      stale.push_back(
          {rows.Int(0), std::string(rows.Bytes(1)), rows.Key<PromptPk>(2), rows.Key<SkillId>(3)});
    }
  }
  for (const Stale& row : stale) ST_RETURN_IF_ERROR(db.Run(kDropObservation, row.pk));
  for (const Stale& row : stale) {
    ST_RETURN_IF_ERROR(ResolveOccurrence(db, row.key));
    ST_RETURN_IF_ERROR(ResolveNeighbours(db, session, row.prompt, row.skill));
  }
  return absl::OkStatus();
}

Status IngestWriter::Impl::SweepPrompts(SessionMemo& memo, int64_t generation) {
  ST_RETURN_IF_ERROR(db.Run(kUnlinkSwept, memo.pk, generation));
  ST_ASSIGN_OR_RETURN(const int64_t people,
                      db.QueryInt(kCountSwept, 0, memo.pk, generation, kFileBits));
  ST_RETURN_IF_ERROR(db.Run(kSweepMisses, memo.pk, generation, kFileBits));
  ST_RETURN_IF_ERROR(db.Run(kSweepPrompts, memo.pk, generation, kFileBits));
  const bool swept = db.changes() > 0;
  db.Count(Counter::kPrompts, -people);
  ST_RETURN_IF_ERROR(db.Run(kDemotePrompts, memo.pk, generation, kFileBits));
  ST_RETURN_IF_ERROR(RefuteImported(db, memo.pk));
  memo.max_seq.reset();
  memo.text_counts.reset();
  memo.hook_prompts.reset();
  memo.last_seq = -1;
  // Later prompts of a text that is gone move up.
  return swept ? Rekey(memo, 0, 0) : absl::OkStatus();
}

Status IngestWriter::SweepSession(SessionPk session, int64_t generation) {
  ST_ASSIGN_OR_RETURN(SessionMemo * memo, impl_->Memo(session));
  ST_RETURN_IF_ERROR(impl_->SweepObservations(session, generation));
  return impl_->SweepPrompts(*memo, generation);
}

Status IngestWriter::SweepSource(SourceId source, int64_t generation, bool behind_kept) {
  Db& db = impl_->db;
  std::vector<std::pair<SessionPk, int64_t>> found;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kSourceSessions, source));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      found.emplace_back(rows.Key<SessionPk>(0), rows.Int(1));
    }
  }
  for (const auto& [session, seen] : found) {
    // Not met in this generation: nothing of it is in the file any more.
    if (seen < generation) ST_RETURN_IF_ERROR(ResetSession(session, generation, behind_kept));
    ST_RETURN_IF_ERROR(SweepSession(session, generation));
    if (seen >= generation) continue;
    ST_ASSIGN_OR_RETURN(const int64_t known, db.QueryInt(kStillKnown, 0, session));
    if (known != 0) continue;
    impl_->Forget(session);
    ST_RETURN_IF_ERROR(DeleteSession(db, session));
  }
  return absl::OkStatus();
}

Status IngestWriter::DeleteInternalSession(SessionPk session) {
  ST_RETURN_IF_ERROR(impl_->Memo(session).status());
  Db& db = impl_->db;
  // What an internal session started is as internal.
  ST_ASSIGN_OR_RETURN(std::vector<SessionPk> all, Sessions(db.Query(kBelow, session)));
  all.push_back(session);
  for (const SessionPk one : all) {
    ST_RETURN_IF_ERROR(impl_->Memo(one).status());
    ST_RETURN_IF_ERROR(db.Run(kCutLoose, one));
    impl_->Forget(one);
  }
  for (const SessionPk one : all) ST_RETURN_IF_ERROR(DeleteSession(db, one));
  return absl::OkStatus();
}

}  // namespace selftune::store
