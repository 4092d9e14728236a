#include "store/queries/overview.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/status_macros.h"
#include "store/sqlite_library.h"

namespace selftune::store {
namespace {

constexpr char kOverview[] = R"sql(
  SELECT (SELECT value FROM counter WHERE name='sessions'), (SELECT value FROM counter WHERE name='prompts'),
    (SELECT value FROM counter WHERE name='observations'), (SELECT value FROM counter WHERE name='evidence'),
    (SELECT value FROM counter WHERE name='telemetry'), (SELECT count(*) FROM skill_total WHERE checks>0),
    (SELECT count(*) FROM improvement_signal WHERE state='pending'),
    (SELECT count(*) FROM proposal WHERE state IN('created','validated','approved')),
    (SELECT count(*) FROM watch WHERE state IN('watching','suspended')),
    (SELECT count(*) FROM source_file WHERE kind NOT IN('spool','import')), (SELECT coalesce(sum(bad_lines),0) FROM source_file),
    (SELECT min(first_ms) FROM skill_total), (SELECT max(last_ms) FROM skill_total))sql";
constexpr char kClock[] = R"sql(SELECT version,topics FROM change_clock WHERE id=1)sql";
constexpr char kReadMeta[] = R"sql(SELECT value FROM meta WHERE key=?1)sql";
constexpr char kWriteMeta[] = R"sql(
  INSERT INTO meta(key,value) VALUES(?1,?2) ON CONFLICT DO UPDATE SET value=excluded.value)sql";

// Counting is a walk over the smallest index; these are the tables people ask for.
struct TableCount {
  std::string_view table;
  const char* count;
};
constexpr TableCount kTableCounts[] = {
    {"session", R"sql(SELECT count(*) FROM session)sql"},
    {"prompt", R"sql(SELECT count(*) FROM prompt)sql"},
    {"observation", R"sql(SELECT count(*) FROM observation)sql"},
    {"skill", R"sql(SELECT count(*) FROM skill)sql"},
    {"source_file", R"sql(SELECT count(*) FROM source_file)sql"},
    {"bad_line", R"sql(SELECT count(*) FROM bad_line)sql"},
    {"exposure", R"sql(SELECT count(*) FROM exposure)sql"},
    {"improvement_signal", R"sql(SELECT count(*) FROM improvement_signal)sql"},
    {"label", R"sql(SELECT count(*) FROM label)sql"},
    {"proposal", R"sql(SELECT count(*) FROM proposal)sql"},
    {"evolution_event", R"sql(SELECT count(*) FROM evolution_event)sql"},
    {"deploy", R"sql(SELECT count(*) FROM deploy)sql"},
    {"job_run", R"sql(SELECT count(*) FROM job_run)sql"},
    {"llm_call", R"sql(SELECT count(*) FROM llm_call)sql"},
};

int64_t SizeOf(const std::string& path) {
  const auto info = base::Stat(path);
  return info.ok() ? static_cast<int64_t>(info->size) : 0;
}

}  // namespace

StatusOr<Overview> ReadOverview(Db& db) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kOverview));
  ST_RETURN_IF_ERROR(row.Next().status());
  Overview out;
  out.sessions = row.Int(0);
  out.prompts = row.Int(1);
  out.observations = row.Int(2);
  out.evidence = row.Int(3);
  out.telemetry = row.Int(4);
  out.skills = row.Int(5);
  out.pending_signals = row.Int(6);
  out.open_proposals = row.Int(7);
  out.open_watches = row.Int(8);
  out.sources = row.Int(9);
  out.bad_lines = row.Int(10);
  out.first = row.OptTime(11);
  out.last = row.OptTime(12);
  return out;
}

StatusOr<StoreInfo> ReadStoreInfo(Db& db, bool with_counts) {
  StoreInfo out;
  out.path = db.path();
  out.schema_version = db.schema_version();
  out.sqlite_version = std::string(SqliteVersion());
  out.size_bytes = SizeOf(db.path());
  out.wal_bytes = SizeOf(db.path() + "-wal");
  ST_ASSIGN_OR_RETURN(const ChangeClock clock, ReadChangeClock(db));
  out.change_version = clock.version;
  if (!with_counts) return out;
  for (const TableCount& table : kTableCounts) {
    ST_ASSIGN_OR_RETURN(const int64_t rows, db.QueryInt(table.count, 0));
    out.counts.emplace_back(table.table, rows);
  }
  return out;
}

StatusOr<ChangeClock> ReadChangeClock(Db& db) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kClock));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return ChangeClock{};
  return ChangeClock{row.Int(0), static_cast<uint32_t>(row.Int(1))};
}

StatusOr<std::optional<std::string>> ReadMeta(Db& db, std::string_view key) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kReadMeta, key));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  return found ? row.OptString(0) : std::nullopt;
}

Status WriteMeta(Db& db, std::string_view key, std::string_view value) {
  return db.Run(kWriteMeta, key, value);
}

}  // namespace selftune::store
