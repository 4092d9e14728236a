// The IngestWriter's counters, events, calls that start subagents, and keys.
#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/status_macros.h"
#include "store/ingest_writer.h"
#include "store/writer_impl.h"

namespace selftune::store {
namespace {

constexpr char kAddMetrics[] = R"sql(
  UPDATE session_metric SET total_tool_calls=total_tool_calls+?2, tool_errors=tool_errors+?3, nonzero_exits=nonzero_exits+?4,
    denied=denied+?5, unfinished_calls=unfinished_calls+?6, failed_turns=failed_turns+?7, interruptions=interruptions+?8,
    compactions=compactions+?9, api_errors=api_errors+?10,
    answers=CASE WHEN ?11 IS NULL THEN answers ELSE coalesce(answers,0)+?11 END,
    input_uncached=CASE WHEN ?12 IS NULL THEN input_uncached ELSE coalesce(input_uncached,0)+?12 END,
    cache_read=CASE WHEN ?13 IS NULL THEN cache_read ELSE coalesce(cache_read,0)+?13 END,
    cache_write=CASE WHEN ?14 IS NULL THEN cache_write ELSE coalesce(cache_write,0)+?14 END,
    output_tokens=CASE WHEN ?15 IS NULL THEN output_tokens ELSE coalesce(output_tokens,0)+?15 END,
    reasoning_tokens=CASE WHEN ?16 IS NULL THEN reasoning_tokens ELSE coalesce(reasoning_tokens,0)+?16 END,
    overhead_input=CASE WHEN ?17 IS NULL THEN overhead_input ELSE coalesce(overhead_input,0)+?17 END,
    overhead_output=CASE WHEN ?18 IS NULL THEN overhead_output ELSE coalesce(overhead_output,0)+?18 END,
    cost_micro_usd=CASE WHEN ?19 IS NULL THEN cost_micro_usd ELSE coalesce(cost_micro_usd,0)+?19 END, updated_ms=?20
  WHERE session_pk=?1)sql";
constexpr char kInsertMetrics[] = R"sql(
  INSERT INTO session_metric(session_pk,total_tool_calls,tool_errors,nonzero_exits,denied,unfinished_calls,failed_turns,
    interruptions,compactions,api_errors,answers,input_uncached,cache_read,cache_write,output_tokens,reasoning_tokens,
    overhead_input,overhead_output,cost_micro_usd,updated_ms)
  VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20))sql";
constexpr char kAddTool[] = R"sql(
  INSERT INTO session_tool(session_pk,tool,calls,errors,nonzero_exits,denied,unfinished) VALUES(?1,?2,?3,?4,?5,?6,?7)
  ON CONFLICT DO UPDATE SET calls=calls+excluded.calls, errors=errors+excluded.errors,
    nonzero_exits=nonzero_exits+excluded.nonzero_exits, denied=denied+excluded.denied,
    unfinished=unfinished+excluded.unfinished)sql";
constexpr char kDropEmptyTool[] = R"sql(
  DELETE FROM session_tool WHERE session_pk=?1 AND tool=?2 AND calls=0 AND errors=0 AND nonzero_exits=0 AND denied=0
    AND unfinished=0)sql";
constexpr char kIsShared[] = "SELECT EXISTS(SELECT 1 FROM part_metric WHERE session_pk=?1)";
constexpr char kAddPartMetrics[] = R"sql(
  INSERT INTO part_metric(session_pk,source_id,total_tool_calls,tool_errors,nonzero_exits,denied,unfinished_calls,failed_turns,
    interruptions,compactions,api_errors,answers,input_uncached,cache_read,cache_write,output_tokens,reasoning_tokens,
    overhead_input,overhead_output,cost_micro_usd)
  VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20)
  ON CONFLICT DO UPDATE SET total_tool_calls=total_tool_calls+excluded.total_tool_calls, tool_errors=tool_errors+excluded.tool_errors, nonzero_exits=nonzero_exits+excluded.nonzero_exits,
    denied=denied+excluded.denied, unfinished_calls=unfinished_calls+excluded.unfinished_calls, failed_turns=failed_turns+excluded.failed_turns,
    interruptions=interruptions+excluded.interruptions, compactions=compactions+excluded.compactions, api_errors=api_errors+excluded.api_errors,
    answers=coalesce(answers+excluded.answers,excluded.answers,answers),
    input_uncached=coalesce(input_uncached+excluded.input_uncached,excluded.input_uncached,input_uncached),
    cache_read=coalesce(cache_read+excluded.cache_read,excluded.cache_read,cache_read),
    cache_write=coalesce(cache_write+excluded.cache_write,excluded.cache_write,cache_write),
    output_tokens=coalesce(output_tokens+excluded.output_tokens,excluded.output_tokens,output_tokens),
    reasoning_tokens=coalesce(reasoning_tokens+excluded.reasoning_tokens,excluded.reasoning_tokens,reasoning_tokens),
    overhead_input=coalesce(overhead_input+excluded.overhead_input,excluded.overhead_input,overhead_input),
    overhead_output=coalesce(overhead_output+excluded.overhead_output,excluded.overhead_output,overhead_output),
    cost_micro_usd=coalesce(cost_micro_usd+excluded.cost_micro_usd,excluded.cost_micro_usd,cost_micro_usd))sql";
constexpr char kAddPartTool[] = R"sql(
  INSERT INTO part_tool(session_pk,source_id,tool,calls,errors,nonzero_exits,denied,unfinished) VALUES(?1,?2,?3,?4,?5,?6,?7,?8)
  ON CONFLICT DO UPDATE SET calls=calls+excluded.calls, errors=errors+excluded.errors,
    nonzero_exits=nonzero_exits+excluded.nonzero_exits, denied=denied+excluded.denied,
    unfinished=unfinished+excluded.unfinished)sql";
constexpr char kAddEvent[] = R"sql(
  INSERT INTO session_event(session_pk,source_id,offset,kind,n,at_ms,detail) VALUES(?1,?2,?3,?4,?5,?6,?7)
  ON CONFLICT DO NOTHING)sql";
constexpr char kRetractEvent[] = R"sql(
  DELETE FROM session_event WHERE session_pk=?1 AND source_id=?2 AND offset=?3 AND kind=?4 AND n=
    (SELECT max(n) FROM session_event WHERE session_pk=?1 AND source_id=?2 AND offset=?3 AND kind=?4))sql";
constexpr char kAddSpawn[] = R"sql(
  INSERT INTO spawn(session_pk,call_id,prompt_seq,child_id) VALUES(?1,?2,?3,?4)
  ON CONFLICT DO UPDATE SET prompt_seq=coalesce(excluded.prompt_seq,prompt_seq), child_id=coalesce(excluded.child_id,child_id))sql";
constexpr char kChildByCall[] = R"sql(
  UPDATE session SET link_pending=1 WHERE spawn_call_id=?1 AND platform=?2 AND kind='subagent')sql";
constexpr char kChildById[] = R"sql(
  UPDATE session SET link_pending=1 WHERE session_id=?1 AND platform=?2 AND kind='subagent')sql";
constexpr char kAddKeys[] = R"sql(
  INSERT INTO session_keys(session_pk,seq,source_id,keys)
  VALUES(?1,(SELECT coalesce(max(seq)+1,0) FROM session_keys WHERE session_pk=?1),?3,?2))sql";
// New records of a session that shares its history may be copies, or the
// originals of what a copy counted so far: its group is looked at again.
constexpr char kReopenGroup[] = R"sql(
  UPDATE session_anchor SET settled=0 WHERE session_pk=?1 AND settled=1
  AND EXISTS(SELECT 1 FROM session_anchor b WHERE b.key=session_anchor.key AND b.session_pk<>?1))sql";
constexpr char kAddAnchor[] = R"sql(
  INSERT INTO session_anchor(key,session_pk) VALUES(?1,?2) ON CONFLICT DO NOTHING)sql";

bool Empty(const MetricDeltaRow& d) {
  return d.tools.empty() && !d.answers && d.failed_turns == 0 && d.interruptions == 0 &&
         d.compactions == 0 && d.api_errors == 0 && !d.input_uncached && !d.cache_read &&
         !d.cache_write && !d.output && !d.reasoning && !d.overhead_input && !d.overhead_output &&
         !d.cost_micro_usd;
}

Status AddTool(Db& db, SessionPk session, const ToolDeltaRow& tool) {
  ST_RETURN_IF_ERROR(db.Run(kAddTool, session, tool.name, tool.calls, tool.errors,
                            tool.nonzero_exits, tool.denied, tool.unfinished));
  const bool may_be_empty = tool.calls <= 0;
  return may_be_empty ? db.Run(kDropEmptyTool, session, tool.name) : absl::OkStatus();
}

// The share of one file.
Status AddPart(Db& db, SessionPk session, const MetricDeltaRow& d, const ToolDeltaRow& sum) {
  for (const ToolDeltaRow& tool : d.tools) {
    ST_RETURN_IF_ERROR(db.Run(kAddPartTool, session, d.source, tool.name, tool.calls, tool.errors,
                              tool.nonzero_exits, tool.denied, tool.unfinished));
  }
  return db.Run(kAddPartMetrics, session, d.source, sum.calls, sum.errors, sum.nonzero_exits,
                sum.denied, sum.unfinished, d.failed_turns, d.interruptions, d.compactions,
                d.api_errors, d.answers, d.input_uncached, d.cache_read, d.cache_write, d.output,
                d.reasoning, d.overhead_input, d.overhead_output, d.cost_micro_usd);
}

}  // namespace

Status IngestWriter::AddMetricDelta(SessionPk session, const MetricDeltaRow& d) {
  if (Empty(d)) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(SessionMemo * memo, impl_->Memo(session));
  Db& db = impl_->db;
  ToolDeltaRow sum;
  for (const ToolDeltaRow& tool : d.tools) {
    sum.calls += tool.calls;
    sum.errors += tool.errors;
    sum.nonzero_exits += tool.nonzero_exits;
    sum.denied += tool.denied;
    sum.unfinished += tool.unfinished;
    ST_RETURN_IF_ERROR(AddTool(db, session, tool));
  }
  if (d.shared) memo->shared = true;
  if (!memo->shared.has_value()) {
    ST_ASSIGN_OR_RETURN(const int64_t shared, db.QueryInt(kIsShared, 0, session));
    memo->shared = shared != 0;
  }
  if (*memo->shared) ST_RETURN_IF_ERROR(AddPart(db, session, d, sum));
  const auto write = [&](const char* sql) {
    return db.Run(sql, session, sum.calls, sum.errors, sum.nonzero_exits, sum.denied,
                  sum.unfinished, d.failed_turns, d.interruptions, d.compactions, d.api_errors,
                  d.answers, d.input_uncached, d.cache_read, d.cache_write, d.output, d.reasoning,
                  d.overhead_input, d.overhead_output, d.cost_micro_usd, impl_->now);
  };
  ST_RETURN_IF_ERROR(write(kAddMetrics));
  if (db.changes() > 0) return absl::OkStatus();
  db.Count(Counter::kTelemetry, 1);
  return write(kInsertMetrics);
}

Status IngestWriter::AddEvent(SessionPk session, const EventRow& row) {
  ST_ASSIGN_OR_RETURN(SessionMemo * memo, impl_->Memo(session));
  const uint64_t offset = row.origin.offset.value_or(row.origin.line_no);
  if (memo->event_source != row.origin.source || memo->event_offset != offset) {
    memo->event_source = row.origin.source;
    memo->event_offset = offset;
    memo->event_counts.clear();
  }
  auto& counts = memo->event_counts;
  auto count = std::find_if(counts.begin(), counts.end(),
                            [&](const auto& entry) { return entry.first == row.kind; });
  if (count == counts.end()) count = counts.insert(counts.end(), {row.kind, 0});
  ST_ASSIGN_OR_RETURN(const bool forgotten, row.detail.empty()
                                                ? StatusOr<bool>(false)
                                                : impl_->IsForgotten(*memo, row.at, ""));
  return impl_->db.Run(kAddEvent, session, row.origin.source.value, offset, Word(row.kind),
                       count->second++, row.at,
                       OrNull{forgotten ? std::string_view() : std::string_view(row.detail)});
}

Status IngestWriter::RetractEvent(SessionPk session, const EventRow& row) {
  const uint64_t offset = row.origin.offset.value_or(row.origin.line_no);
  return impl_->db.Run(kRetractEvent, session, row.origin.source.value, offset, Word(row.kind));
}

Status IngestWriter::AddSpawn(SessionPk session, const SpawnRow& row) {
  ST_ASSIGN_OR_RETURN(const SessionMemo* memo, impl_->Memo(session));
  Db& db = impl_->db;
  ST_RETURN_IF_ERROR(db.Run(kAddSpawn, session, row.call_id, row.prompt_seq, OrNull{row.child_id}));
  ST_RETURN_IF_ERROR(db.Run(kChildByCall, row.call_id, memo->platform));
  if (row.child_id.empty()) return absl::OkStatus();
  return db.Run(kChildById, row.child_id, memo->platform);
}

Status IngestWriter::AddKeys(SessionPk session, std::span<const uint64_t> keys, SourceId source) {
  if (keys.empty()) return absl::OkStatus();
  static_assert(std::endian::native == std::endian::little, "keys are stored little-endian");
  const std::string_view bytes(reinterpret_cast<const char*>(keys.data()), keys.size_bytes());
  ST_RETURN_IF_ERROR(impl_->db.Run(kAddKeys, session, Blob{bytes}, source.value));
  return impl_->db.Run(kReopenGroup, session);
}

Status IngestWriter::AddAnchors(SessionPk session, std::span<const uint64_t> anchors) {
  for (const uint64_t anchor : anchors) {
    ST_RETURN_IF_ERROR(impl_->db.Run(kAddAnchor, anchor, session));
  }
  return absl::OkStatus();
}

}  // namespace selftune::store
