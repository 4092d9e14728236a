#include "store/session_parts.h"

#include <cstdint>
#include <vector>

#include "base/status_macros.h"
#include "store/link.h"

namespace selftune::store {
namespace {

constexpr char kAddPart[] = R"sql(
  INSERT INTO session_part(session_pk,source_id) VALUES(?1,?2) ON CONFLICT DO NOTHING)sql";

// A session goes on in the file that its row names; that one may grow.
constexpr char kShares[] = R"sql(
  SELECT EXISTS(SELECT 1 FROM session_part p JOIN session s ON s.session_pk=p.session_pk
    WHERE p.source_id=?1 AND (?2 OR s.source_id IS NOT ?1)))sql";

constexpr char kTogether[] = R"sql(
  WITH RECURSIVE tied(source_id) AS(
    SELECT ?1 UNION
    SELECT b.source_id FROM tied t JOIN session_part a ON a.source_id=t.source_id
      JOIN session_part b ON b.session_pk=a.session_pk)
  SELECT source_id FROM tied ORDER BY 1)sql";

constexpr char kHasParts[] = "SELECT EXISTS(SELECT 1 FROM session_part WHERE session_pk=?1)";

// A session that has no shares yet was read from one file alone.
constexpr char kShareTools[] = R"sql(
  INSERT INTO part_tool(session_pk,source_id,tool,calls,errors,nonzero_exits,denied,unfinished)
  SELECT t.session_pk,?1,t.tool,t.calls,t.errors,t.nonzero_exits,t.denied,t.unfinished
  FROM session s JOIN session_tool t ON t.session_pk=s.session_pk
  WHERE s.source_id=?1 AND NOT EXISTS(SELECT 1 FROM part_metric m WHERE m.session_pk=s.session_pk))sql";
constexpr char kShareMetrics[] = R"sql(
  INSERT INTO part_metric(session_pk,source_id,total_tool_calls,answers,tool_errors,nonzero_exits,denied,unfinished_calls,
    failed_turns,interruptions,compactions,api_errors,input_uncached,cache_read,cache_write,output_tokens,reasoning_tokens,
    overhead_input,overhead_output,cost_micro_usd)
  SELECT m.session_pk,?1,m.total_tool_calls,m.answers,m.tool_errors,m.nonzero_exits,m.denied,m.unfinished_calls,
    m.failed_turns,m.interruptions,m.compactions,m.api_errors,m.input_uncached,m.cache_read,m.cache_write,m.output_tokens,
    m.reasoning_tokens,m.overhead_input,m.overhead_output,m.cost_micro_usd
  FROM session s JOIN session_metric m ON m.session_pk=s.session_pk
  WHERE s.source_id=?1 AND NOT EXISTS(SELECT 1 FROM part_metric p WHERE p.session_pk=s.session_pk))sql";
constexpr char kKeep[] = "UPDATE source_file SET kept=?2 WHERE source_id=?1 AND kept<>?2";

constexpr char kLastSeq[] = R"sql(
  SELECT coalesce(max(p.seq),-1) FROM session_part x JOIN prompt p ON p.session_pk=x.session_pk AND p.source_id=x.source_id
  WHERE x.source_id=?1)sql";
constexpr char kFirstSeq[] = R"sql(
  SELECT coalesce(min(p.seq),?2) FROM session_part x JOIN prompt p ON p.session_pk=x.session_pk AND p.source_id=x.source_id
  WHERE x.source_id=?1)sql";
constexpr char kKeysOf[] = R"sql(
  SELECT k.keys FROM session_part x JOIN session_keys k ON k.session_pk=x.session_pk AND k.source_id=x.source_id
  WHERE x.source_id=?1)sql";

constexpr char kShift[] = "SELECT seq_shift FROM session_part WHERE session_pk=?1 AND source_id=?2";
constexpr char kNoShift[] =
    "UPDATE session_part SET seq_shift=0 WHERE source_id=?1 AND seq_shift<>0";
constexpr char kSetShift[] = R"sql(
  INSERT INTO session_part(session_pk,source_id,seq_shift) VALUES(?1,?2,?3)
  ON CONFLICT DO UPDATE SET seq_shift=excluded.seq_shift)sql";
constexpr char kKeptShift[] = R"sql(
  SELECT coalesce(max(x.seq_shift),0) FROM session_part x JOIN source_file f ON f.source_id=x.source_id
  WHERE x.session_pk=?1 AND f.kept=1)sql";
constexpr char kBehindKept[] = R"sql(
  SELECT coalesce(max(p.seq)+1,0) FROM prompt p JOIN source_file f ON f.source_id=p.source_id
  WHERE p.session_pk=?1 AND f.kept=1)sql";

constexpr char kForgetState[] = "UPDATE source_file SET parser_state=NULL WHERE source_id=?1";
constexpr char kCapture[] = R"sql(SELECT coalesce(capture,'') FROM session WHERE session_pk=?1)sql";
constexpr char kForgetSeen[] =
    "UPDATE source_file SET size=0, mtime_ns=0, head_sha256=NULL WHERE source_id=?1";

}  // namespace

Status AddSessionParts(Db& db, SessionPk session, SourceId one, SourceId other) {
  ST_RETURN_IF_ERROR(db.Run(kAddPart, session, one));
  return db.Run(kAddPart, session, other);
}

StatusOr<bool> SharesSession(Db& db, SourceId source, bool from_start) {
  ST_ASSIGN_OR_RETURN(const int64_t shares, db.QueryInt(kShares, 0, source, from_start));
  return shares != 0;
}

StatusOr<bool> HasParts(Db& db, SessionPk session) {
  ST_ASSIGN_OR_RETURN(const int64_t has, db.QueryInt(kHasParts, 0, session));
  return has != 0;
}

StatusOr<std::vector<SourceId>> FilesTogether(Db& db, SourceId source) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kTogether, source));
  std::vector<SourceId> out;
  while (true) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back(rows.Key<SourceId>(0));
  }
}

Status KeepSource(Db& db, SourceId source) {
  ST_RETURN_IF_ERROR(db.Run(kShareTools, source));
  ST_RETURN_IF_ERROR(db.Run(kShareMetrics, source));
  return db.Run(kKeep, source, 1);
}

Status ForgetReaderState(Db& db, SourceId source) { return db.Run(kForgetState, source); }

Status ReleaseSource(Db& db, SourceId source) {
  ST_RETURN_IF_ERROR(db.Run(kNoShift, source));
  return db.Run(kKeep, source, 0);
}

StatusOr<int32_t> LastPromptOf(Db& db, SourceId source) {
  ST_ASSIGN_OR_RETURN(const int64_t seq, db.QueryInt(kLastSeq, -1, source));
  return static_cast<int32_t>(seq);
}

StatusOr<int32_t> FirstPromptOf(Db& db, SourceId source) {
  ST_ASSIGN_OR_RETURN(const int64_t seq, db.QueryInt(kFirstSeq, INT32_MAX, source, INT32_MAX));
  return static_cast<int32_t>(seq);
}

StatusOr<std::vector<uint64_t>> SourceKeys(Db& db, SourceId source) {
  std::vector<uint64_t> keys;
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kKeysOf, source));
  while (true) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return keys;
    AppendKeys(rows.Bytes(0), keys);
  }
}

StatusOr<int32_t> PromptShift(Db& db, SessionPk session, SourceId source) {
  ST_ASSIGN_OR_RETURN(const int64_t shift, db.QueryInt(kShift, 0, session, source));
  return static_cast<int32_t>(shift);
}

StatusOr<int32_t> ShiftBehindKept(Db& db, SessionPk session, SourceId source, bool anew) {
  ST_ASSIGN_OR_RETURN(const int64_t shift,
                      db.QueryInt(anew ? kBehindKept : kKeptShift, 0, session));
  ST_ASSIGN_OR_RETURN(const int32_t before, PromptShift(db, session, source));
  if (shift != before) ST_RETURN_IF_ERROR(db.Run(kSetShift, session, source, shift));
  return static_cast<int32_t>(shift);
}

StatusOr<std::string> CaptureOf(Db& db, SessionPk session) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kCapture, session));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  return found ? row.String(0) : std::string();
}

Status ForgetSeen(Db& db, SourceId source) { return db.Run(kForgetSeen, source); }

}  // namespace selftune::store
