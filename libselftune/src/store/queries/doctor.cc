#include "store/queries/doctor.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "base/status_macros.h"
#include "store/migrate.h"
#include "store/queries/for_each.h"

namespace selftune::store {
namespace {

// What a store has in each state, by an index that holds all it needs, in its order; the kinds
// that are no transcripts go here, for leaving them out there costs as much as they do.
#define ST_MOSTLY_UNKNOWN "CASE WHEN records_unknown>0 THEN records_unknown>=records_used END"
constexpr char kFiles[] =
    "SELECT "
    "platform,kind,'',(state='active')*count(*),(state='missing')*count(*),count(last_error),"
    "sum(size),sum(records_seen),sum(records_used),sum(records_unknown),sum(bad_lines),"
    "sum(" ST_MOSTLY_UNKNOWN ") FROM source_file GROUP BY platform,kind,state";
// Each database by itself.
constexpr char kDatabases[] =
    "SELECT f.platform,f.kind,f.path,f.state='active',f.state='missing',f.last_error IS NOT NULL,"
    "f.size,f.records_seen,f.records_used,f.records_unknown,f.bad_lines," ST_MOSTLY_UNKNOWN
    " FROM host h CROSS JOIN source_file f ON f.platform=h.platform AND f.kind='sqlite'";
constexpr char kSessionsOf[] = R"sql(
  SELECT EXISTS(SELECT 1 FROM session s WHERE s.platform=?1 AND s.capture_rank>0),
    (SELECT count(*) FROM (SELECT 1 FROM session s WHERE s.platform=?1 AND s.kind='main' AND s.capture='transcript' LIMIT ?2)),
    EXISTS(SELECT 1 FROM session s CROSS JOIN prompt p ON p.session_pk=s.session_pk
      WHERE s.platform=?1 AND s.kind='main' AND s.capture='transcript'))sql";
constexpr char kError[] = R"sql(
  SELECT last_error,path FROM source_file WHERE platform=?1 AND kind=?2 AND (?3='' OR path=?3)
    AND last_error IS NOT NULL AND state='active' ORDER BY path LIMIT 1)sql";
// From the file that was found last on: mostly the first one tells.
constexpr char kSchema[] = R"sql(
  SELECT host_schema FROM source_file NOT INDEXED
  WHERE platform=?1 AND kind=?2 AND (?3='' OR path=?3) AND host_schema IS NOT NULL
  ORDER BY source_id DESC LIMIT 1)sql";
constexpr char kMostlyUnknown[] = R"sql(
  SELECT path,max(source_id) FROM source_file WHERE platform=?1 AND kind=?2 AND (?3='' OR path=?3)
    AND records_unknown>0 AND records_unknown>=records_used)sql";
// By indexes in the order of time, so that the cost is that of the newest rows.
constexpr char kSessionsTold[] = R"sql(
  SELECT count(*),coalesce(sum(EXISTS(SELECT 1 FROM prompt p WHERE p.session_pk=n.session_pk)),0) FROM (
    SELECT session_pk FROM session WHERE kind='main' AND capture='transcript'
    ORDER BY coalesce(started_ms,0) DESC,session_pk DESC LIMIT ?1) n)sql";
constexpr char kUsesTold[] = R"sql(
  SELECT count(*),coalesce(sum(told),0) FROM (
    SELECT o.prompt_pk IS NOT NULL OR o.query_body_id IS NOT NULL AS told
    FROM observation o CROSS JOIN session s ON s.session_pk=o.session_pk
    WHERE o.effective=1 AND s.kind='main'
    ORDER BY coalesce(o.occurred_ms,0) DESC,o.obs_pk DESC LIMIT ?1))sql";
constexpr char kNameless[] =
    R"sql(SELECT count(*) FROM session WHERE session_id IN('','unknown'))sql";
constexpr char kNewestSession[] = R"sql(
  SELECT session_id,started_ms FROM session
  WHERE coalesce(started_ms,0)>?2 AND coalesce(started_ms,0)<?3 AND +platform=?1 AND kind='main' AND capture='transcript'
  ORDER BY coalesce(started_ms,0) DESC,session_pk DESC LIMIT 1)sql";
// Of the spool: a file that cannot be read, or only records that could not be used.
constexpr char kSpoolBroken[] = R"sql(
  SELECT coalesce(max(last_error IS NOT NULL AND state='active'),0),
    coalesce(sum(CASE WHEN last_read_ms>=?1 THEN records_seen END),0),
    coalesce(sum(CASE WHEN last_read_ms>=?1 THEN records_used END),0)
  FROM source_file WHERE platform='unknown' AND kind='spool')sql";
// Of transcripts: a host that writes now (a file that cannot be read has no time), and of whose
// files of a kind, or of a database of whose, nothing was understood.
constexpr char kEvidenceBroken[] = R"sql(
  WITH suspect AS (
    SELECT h.platform,k.column1 AS kind FROM host h CROSS JOIN (VALUES('transcript'),('rollout'),('json'),('sqlite')) k
    WHERE k.column1='sqlite' OR NOT EXISTS(
      SELECT 1 FROM source_file f WHERE f.platform=h.platform AND f.kind=k.column1 AND f.records_used>0))
  SELECT f.platform FROM suspect s CROSS JOIN source_file f ON f.platform=s.platform AND f.kind=s.kind
  GROUP BY f.platform,f.kind,CASE f.kind WHEN 'sqlite' THEN f.path ELSE '' END
  HAVING sum(f.records_used)=0 AND sum(f.size)>0 AND (sum(f.records_seen)>=?2 OR count(f.last_error)>0)
    AND max(CASE WHEN f.state='active' THEN (CASE f.mtime_ns WHEN 0 THEN ?1 ELSE f.mtime_ns/1000000 END) END)>=?1
  ORDER BY 1 LIMIT 1)sql";
// Looks at every session; asked by a deep doctor alone.
constexpr char kShared[] = R"sql(
  SELECT s.session_id,s.platform,o.platform FROM host h CROSS JOIN session s ON s.platform=h.platform
  CROSS JOIN session o ON o.session_id=s.session_id AND o.platform>s.platform LIMIT 1)sql";
constexpr char kTables[] = R"sql(
  SELECT name FROM sqlite_schema WHERE type='table' AND name NOT GLOB 'sqlite_*' ORDER BY name)sql";

constexpr std::string_view kNoTranscripts[] = {"spool", "import", "sqlite"};

void AddFiles(const Cursor& row, std::vector<SourceHealth>& out) {
  if (out.empty() || out.back().platform != row.Text(0) || out.back().kind != row.Text(1) ||
      out.back().database != row.Text(2)) {
    SourceHealth& next = out.emplace_back();
    next.platform = row.String(0);
    next.kind = row.String(1);
    next.database = row.String(2);
  }
  SourceHealth& host = out.back();
  host.files += row.Int(3);
  host.missing += row.Int(4);
  host.with_error += row.Int(5);
  host.bytes += row.Int(6);
  host.records += row.Int(7);
  host.used += row.Int(8);
  host.unknown += row.Int(9);
  host.bad_lines += row.Int(10);
  host.mostly_unknown += row.Int(11);
}

}  // namespace

StatusOr<std::string> FindBroken(Db& db, UtcMillis now) {
  constexpr int64_t kFewest = 10;  // records: fewer may be those of an agent that only began
  constexpr int64_t kDayMs = 86'400'000;
  const int64_t lately = now.value - 7 * kDayMs;
  {
    ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kSpoolBroken, lately));
    ST_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (found && (row.Bool(0) || (row.Int(1) >= kFewest && row.Int(2) == 0))) return "hooks";
  }
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kEvidenceBroken, lately, kFewest));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  return found ? row.String(0) : std::string();
}

StatusOr<std::vector<SourceHealth>> ReadSourceHealth(Db& db) {
  std::vector<SourceHealth> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kFiles), [&](const Cursor& row) {
    if (std::ranges::count(kNoTranscripts, row.Text(1)) == 0) AddFiles(row, out);
  }));
  ST_RETURN_IF_ERROR(ForEach(db.Query(kDatabases), [&](const Cursor& row) { AddFiles(row, out); }));
  std::ranges::sort(out, {}, [](const SourceHealth& host) {
    return std::tie(host.platform, host.kind, host.database);
  });
  for (SourceHealth& host : out) {
    ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kSessionsOf, host.platform, kFewestSessions));
    ST_RETURN_IF_ERROR(row.Next().status());
    host.any_session = row.Bool(0);
    host.sessions = row.Int(1);
    host.any_prompt = row.Bool(2);
  }
  for (SourceHealth& host : out) {
    {
      ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kSchema, host.platform, host.kind, host.database));
      ST_ASSIGN_OR_RETURN(const bool found, row.Next());
      if (found) host.schema = row.String(0);
    }
    if (host.mostly_unknown > 0) {
      ST_ASSIGN_OR_RETURN(Cursor row,
                          db.Query(kMostlyUnknown, host.platform, host.kind, host.database));
      ST_RETURN_IF_ERROR(row.Next().status());
      host.unknown_path = row.String(0);
    }
    if (host.with_error == 0) continue;
    ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kError, host.platform, host.kind, host.database));
    ST_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (!found) continue;
    host.error = row.String(0);
    host.error_path = row.String(1);
  }
  return out;
}

StatusOr<Coverage> ReadCoverage(Db& db) {
  constexpr int64_t kNewest = 200;
  Coverage out;
  {
    ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kSessionsTold, kNewest));
    ST_RETURN_IF_ERROR(row.Next().status());
    out.sessions = row.Int(0);
    out.with_prompts = row.Int(1);
  }
  {
    ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kUsesTold, kNewest));
    ST_RETURN_IF_ERROR(row.Next().status());
    out.uses = row.Int(0);
    out.with_prompt = row.Int(1);
  }
  ST_ASSIGN_OR_RETURN(out.nameless, db.QueryInt(kNameless, 0));
  return out;
}

StatusOr<std::optional<NewestSession>> FindNewestSession(Db& db, std::string_view platform,
                                                         UtcMillis after, UtcMillis before) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kNewestSession, platform, after, before));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return std::optional<NewestSession>();
  return std::optional<NewestSession>({row.String(0), UtcMillis{row.Int(1)}});
}

StatusOr<std::optional<SharedId>> FindSharedSessionId(Db& db) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kShared));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return std::optional<SharedId>();
  return std::optional<SharedId>({row.String(0), row.String(1), row.String(2)});
}

StatusOr<std::vector<std::string>> ForeignTables(Db& db) {
  const std::vector<std::string> ours = SchemaTables();
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kTables));
  std::vector<std::string> out;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    if (!std::binary_search(ours.begin(), ours.end(), rows.Text(0))) out.push_back(rows.String(0));
  }
}

}  // namespace selftune::store
