#include "store/queries/sources.h"

#include <string>
#include <string_view>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"
#include "store/source_ledger.h"

namespace selftune::store {
namespace {

constexpr char kIds[] = R"sql(
  SELECT source_id FROM source_file WHERE platform=?1 AND kind NOT IN('spool','import') ORDER BY path)sql";
constexpr char kList[] = R"sql(
  SELECT source_id,platform,kind,path,state,parser,host_schema,last_error,size,offset,pending_bytes,generation,
    mtime_ns/1000000,last_read_ms,records_seen,records_used,records_unknown,bad_lines
  FROM source_file WHERE (?1='' OR platform=?1) AND (?2='' OR state=?2)
    AND (?3=0 OR (platform,path)>(SELECT platform,path FROM source_file WHERE source_id=?3))
  ORDER BY platform,path LIMIT ?4)sql";
constexpr char kBadLines[] = R"sql(
  SELECT b.source_id,f.platform,f.path,b.reason,b.excerpt,b.generation,b.offset,b.line_no,b.seen_ms
  FROM bad_line b JOIN source_file f ON f.source_id=b.source_id
  WHERE b.source_id>=?1 AND (?5=0 OR b.source_id=?5) AND (b.source_id>?1 OR b.generation>?2 OR (b.generation=?2 AND b.offset>?3))
  ORDER BY b.source_id,b.generation,b.offset LIMIT ?4)sql";
constexpr char kFreshness[] = R"sql(
  SELECT f.platform, count(*), (SELECT count(*) FROM session s WHERE s.platform=f.platform),
    max(f.mtime_ns)/1000000, max(f.last_read_ms),
    (SELECT max(s.ended_ms) FROM session s WHERE s.platform=f.platform), sum(f.bad_lines), count(f.last_error)
  FROM source_file f WHERE f.kind NOT IN('spool','import') GROUP BY f.platform ORDER BY f.platform)sql";
constexpr char kHistoryOnly[] = R"sql(
  SELECT count(*), coalesce(sum((SELECT count(*) FROM prompt p WHERE p.session_pk=s.session_pk AND p.actionable=1)),0)
  FROM source_file f JOIN session s ON s.source_id=f.source_id
  WHERE f.platform=?1 AND f.path=?2 AND f.parser=?1||'/history')sql";

}  // namespace

StatusOr<HistoryOnly> KnownByHistoryAlone(Db& db, std::string_view platform,
                                          std::string_view path) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kHistoryOnly, platform, path));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  return found ? HistoryOnly{.sessions = row.Int(0), .prompts = row.Int(1)} : HistoryOnly{};
}

StatusOr<std::vector<SourceState>> LoadSources(Db& db, std::string_view platform) {
  std::vector<SourceId> ids;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kIds, platform));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      ids.push_back(rows.Key<SourceId>(0));
    }
  }
  std::vector<SourceState> out;
  out.reserve(ids.size());
  for (const SourceId id : ids) {
    ST_ASSIGN_OR_RETURN(out.emplace_back(), LoadSourceState(db, id));
  }
  return out;
}

StatusOr<std::vector<SourceItem>> ListSources(Db& db, const SourceRequest& request) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kList, request.platform, request.state,
                                            request.behind.value, request.limit));
  std::vector<SourceItem> out;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    SourceItem& item = out.emplace_back();
    item.id = rows.Key<SourceId>(0);
    item.platform = rows.String(1);
    item.kind = rows.String(2);
    item.path = rows.String(3);
    item.state = rows.String(4);
    item.parser = rows.String(5);
    item.host_schema = rows.String(6);
    item.last_error = rows.String(7);
    item.size = rows.Int(8);
    item.offset = rows.Int(9);
    item.pending_bytes = rows.Int(10);
    item.generation = rows.Int(11);
    item.mtime = rows.Time(12);
    item.last_read = rows.OptTime(13);
    item.records_seen = rows.Int(14);
    item.records_used = rows.Int(15);
    item.records_unknown = rows.Int(16);
    item.bad_lines = rows.Int(17);
  }
}

namespace {

// A place in the order of bad lines: "source:generation:offset".
struct BadLineKey {
  int64_t source = 0, generation = -1, offset = -1;
};

StatusOr<BadLineKey> ParseBadLineKey(std::string_view cursor) {
  if (cursor.empty()) return BadLineKey{};
  const auto parts = base::Split(cursor, ':');
  if (parts.size() == 3) {
    const auto source = base::ParseInt(parts[0]);
    const auto generation = base::ParseInt(parts[1]);
    const auto offset = base::ParseInt(parts[2]);
    if (source && generation && offset) return BadLineKey{*source, *generation, *offset};
  }
  return Fail(kInvalidRequest, "reading a page: cursor \"{}\" is not one of a page before",
              cursor.substr(0, 64));
}

std::string FormatPageKey(const BadLineKey& key) {
  return fmt::format("{}:{}:{}", key.source, key.generation, key.offset);
}

}  // namespace

StatusOr<BadLinePage> ListBadLines(Db& db, std::optional<SourceId> source,
                                   const PageRequest& page) {
  ST_ASSIGN_OR_RETURN(const BadLineKey after, ParseBadLineKey(page.cursor));
  const int64_t limit = PageLimit(page);
  const int64_t only = source.has_value() ? source->value : 0;
  auto query = db.Query(kBadLines, after.source, after.generation, after.offset, limit + 1, only);
  const auto read = [](const Cursor& row, BadLineItem& item) -> StatusOr<BadLineKey> {
    item = {.source = row.Key<SourceId>(0),
            .platform = row.String(1),
            .path = row.String(2),
            .reason = row.String(3),
            .excerpt = row.String(4),
            .generation = row.Int(5),
            .offset = row.Int(6),
            .line_no = row.OptInt(7),
            .seen = row.Time(8)};
    return BadLineKey{item.source.value, item.generation, item.offset};
  };
  return ReadPage<BadLinePage>(std::move(query), limit, read);
}

StatusOr<std::vector<PlatformFreshness>> ReadFreshness(Db& db) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kFreshness));
  std::vector<PlatformFreshness> out;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back({.platform = rows.String(0),
                   .sources = rows.Int(1),
                   .sessions = rows.Int(2),
                   .newest_mtime = rows.OptTime(3),
                   .newest_read = rows.OptTime(4),
                   .newest_session = rows.OptTime(5),
                   .bad_lines = rows.Int(6),
                   .errors = rows.Int(7)});
  }
}

}  // namespace selftune::store
