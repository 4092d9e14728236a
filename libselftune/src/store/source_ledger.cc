#include "store/source_ledger.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"

namespace selftune::store {
namespace {

constexpr char kLedger[] =
    "SELECT source_id, path, dev, inode, size, mtime_ns, parser_version, pending_bytes, state, "
    "coalesce(last_read_ms,0), last_error IS NOT NULL, coalesce(foreign_cursor,'') FROM "
    "source_file WHERE platform=?1 AND kind "
    "NOT IN('spool','import') "
    "ORDER BY path";

constexpr char kState[] =
    "SELECT platform, kind, path, dev, inode, generation, size, mtime_ns, head_sha256, offset, "
    "line_no, foreign_cursor, parser, parser_version, parser_state, state, host_schema, "
    "pending_bytes, last_error, tail_sha256 FROM source_file WHERE source_id=?1";

constexpr char kMove[] = "UPDATE source_file SET path=?2, state='active' WHERE source_id=?1";
constexpr char kArchive[] =
    "UPDATE session SET archived=?2, rev=rev+1 WHERE source_id=?1 AND archived<>?2";

constexpr char kSessionSource[] =
    "SELECT s.session_pk, coalesce(f.source_id,0), coalesce(f.generation,0), "
    "coalesce(f.state,''), coalesce(f.path,''), s.generation, coalesce(f.kind,''), "
    "coalesce(s.capture='transcript',0) "
    "FROM session s LEFT JOIN source_file f ON f.source_id=s.source_id WHERE s.session_id=?2 AND "
    "s.platform=?1";

constexpr char kWorkspaces[] = "SELECT path FROM workspace ORDER BY path";
constexpr char kHosts[] = R"sql(
  SELECT h.platform FROM host h WHERE EXISTS(SELECT 1 FROM session s WHERE s.platform=h.platform) ORDER BY h.platform)sql";

StatusOr<std::vector<std::string>> Texts(Db& db, const char* sql) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(sql));
  std::vector<std::string> out;
  while (true) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back(rows.String(0));
  }
}

}  // namespace

StatusOr<std::vector<LedgerEntry>> LoadLedger(Db& db, std::string_view platform) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kLedger, platform));
  std::vector<LedgerEntry> out;
  while (true) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    LedgerEntry& entry = out.emplace_back();
    entry.id = {rows.Int(0)};
    entry.path = std::string(rows.Text(1));
    entry.dev = static_cast<uint64_t>(rows.Int(2));
    entry.inode = static_cast<uint64_t>(rows.Int(3));
    entry.size = static_cast<uint64_t>(rows.Int(4));
    entry.mtime_ns = rows.Int(5);
    entry.parser_version = rows.Int(6);
    entry.pending_bytes = static_cast<uint64_t>(rows.Int(7));
    entry.missing = rows.Text(8) == "missing";
    entry.quarantined = rows.Text(8) == "quarantined";
    entry.last_read_ms = rows.Int(9);
    entry.has_error = rows.Bool(10);
    entry.stamp = std::string(rows.Text(11));
  }
}

StatusOr<SourceState> LoadSourceState(Db& db, SourceId id) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kState, id));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return Fail(kNotFound, "reading source {}: no such row", id.value);
  SourceState out;
  out.id = id;
  out.platform = std::string(row.Text(0));
  out.kind = std::string(row.Text(1));
  out.path = std::string(row.Text(2));
  out.dev = static_cast<uint64_t>(row.Int(3));
  out.inode = static_cast<uint64_t>(row.Int(4));
  out.generation = row.Int(5);
  out.size = static_cast<uint64_t>(row.Int(6));
  out.mtime_ns = row.Int(7);
  out.head_sha256 = std::string(row.Bytes(8));
  out.offset = static_cast<uint64_t>(row.Int(9));
  out.line_no = static_cast<uint64_t>(row.Int(10));
  out.stamp = std::string(row.Text(11));
  out.parser = std::string(row.Text(12));
  out.parser_version = row.Int(13);
  out.parser_state = std::string(row.Bytes(14));
  out.state = std::string(row.Text(15));
  out.host_schema = std::string(row.Text(16));
  out.pending_bytes = static_cast<uint64_t>(row.Int(17));
  out.last_error = std::string(row.Text(18));
  out.tail_sha256 = std::string(row.Bytes(19));
  return out;
}

Status MoveSource(Db& db, SourceId id, std::string_view path, bool archived) {
  ST_RETURN_IF_ERROR(db.Run(kMove, id, path));
  return db.Run(kArchive, id, archived);
}

StatusOr<SessionSource> FindSessionSource(Db& db, std::string_view platform,
                                          std::string_view session_id) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kSessionSource, platform, session_id));
  SessionSource out;
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (found) {
    out.session = {row.Int(0)};
    out.source = {row.Int(1)};
    out.generation = row.Int(2);
    out.state = std::string(row.Text(3));
    out.path = std::string(row.Text(4));
    out.read_generation = row.Int(5);
    out.kind = std::string(row.Text(6));
    out.from_file = row.Bool(7);
  }
  return out;
}

StatusOr<std::vector<std::string>> Workspaces(Db& db) { return Texts(db, kWorkspaces); }

StatusOr<std::vector<std::string>> HostsWithSessions(Db& db) { return Texts(db, kHosts); }

}  // namespace selftune::store
