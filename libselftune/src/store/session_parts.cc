#include "store/session_parts.h"

#include <vector>

#include "base/status_macros.h"

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

Status ForgetSeen(Db& db, SourceId source) { return db.Run(kForgetSeen, source); }

}  // namespace selftune::store
