#include "store/import_ledger.h"

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "store/migrate.h"

namespace selftune::store {
namespace {

constexpr char kFind[] =
    R"sql(SELECT verdict,dst_pk,digest,coalesce(reason,'') FROM import_map WHERE origin=?1 AND tbl=?2 AND src_id=?3)sql";
constexpr char kPut[] = R"sql(
  INSERT INTO import_map(origin,tbl,src_id,verdict,dst_pk,digest,reason,note) VALUES(?1,?2,?3,?4,?5,?6,?7,?8)
  ON CONFLICT DO UPDATE SET verdict=excluded.verdict, dst_pk=excluded.dst_pk, digest=excluded.digest,
    reason=excluded.reason, note=excluded.note)sql";
constexpr char kRejected[] = R"sql(
  SELECT tbl,src_id,coalesce(reason,'') FROM import_map WHERE origin=?1 AND verdict='rejected' ORDER BY tbl,src_id LIMIT ?2)sql";
constexpr char kCountRejected[] =
    R"sql(SELECT count(*) FROM import_map WHERE origin=?1 AND verdict='rejected')sql";
constexpr char kNothingToTell[] =
    R"sql(DELETE FROM import_untold WHERE kind IN('partly','unused') AND tbl=?2 AND src_id=?3 AND origin=?1)sql";
constexpr char kToTell[] = R"sql(
  INSERT INTO import_untold(kind,origin,tbl,src_id,reason) VALUES(?1,?2,?3,?4,?5)
  ON CONFLICT DO UPDATE SET reason=excluded.reason)sql";
constexpr char kNews[] = R"sql(
  SELECT tbl,src_id,reason FROM import_untold WHERE origin=?1 AND kind=?2 ORDER BY tbl,src_id LIMIT ?3)sql";
constexpr char kCountNews[] =
    R"sql(SELECT count(*) FROM import_untold WHERE origin=?1 AND kind=?2)sql";
constexpr char kTold[] =
    R"sql(SELECT tbl,src_id FROM import_untold WHERE kind IN('partly','unused') AND origin=?1)sql";
constexpr char kReword[] =
    R"sql(UPDATE import_map SET reason=?4 WHERE origin=?1 AND tbl=?2 AND src_id=?3)sql";
// From one origin to the next: there are few, and each may have very many rows.
constexpr char kInUse[] = R"sql(
  WITH RECURSIVE o(origin) AS (SELECT min(origin) FROM import_map
    UNION ALL SELECT (SELECT min(m.origin) FROM import_map m WHERE m.origin>o.origin) FROM o WHERE o.origin IS NOT NULL)
  SELECT m.origin,m.tbl,m.src_id FROM o CROSS JOIN import_map m
  WHERE m.origin=o.origin AND m.tbl=?1 AND m.dst_pk=?2 AND m.verdict IN('imported','merged') AND NOT EXISTS(
    SELECT 1 FROM import_untold u WHERE u.kind='unused' AND u.tbl=m.tbl AND u.src_id=m.src_id AND u.origin=m.origin))sql";
constexpr char kEraseNote[] =
    R"sql(UPDATE import_map SET note=NULL WHERE origin=?1 AND tbl=?2 AND src_id=?3)sql";

constexpr std::array<std::string_view, kImportVerdicts> kWords = {"imported", "merged", "kept",
                                                                  "rejected"};

ImportVerdict Parse(std::string_view word) {
  for (size_t i = 0; i < kWords.size(); ++i) {
    if (kWords[i] == word) return static_cast<ImportVerdict>(i);
  }
  return ImportVerdict::kRejected;
}

std::string_view Word(ImportNews news) { return news == ImportNews::kPartly ? "partly" : "unused"; }

StatusOr<std::vector<ImportRows::Row>> ReadRows(StatusOr<Cursor> rows) {
  ST_RETURN_IF_ERROR(rows.status());
  std::vector<ImportRows::Row> out;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows->Next());
    if (!more) return out;
    out.push_back({rows->String(0), rows->String(1), rows->String(2)});
  }
}

}  // namespace

std::string_view Word(ImportVerdict verdict) { return kWords[static_cast<size_t>(verdict)]; }

Status ImportLedger::Prepare(Db& db) {
  return AddMissingTables(db);  // a store of the first builds has no such table
}

StatusOr<std::optional<KnownImport>> ImportLedger::Find(std::string_view table,
                                                        std::string_view id) {
  ST_ASSIGN_OR_RETURN(Cursor row, db_.Query(kFind, origin_, table, id));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return std::optional<KnownImport>();
  return std::optional<KnownImport>({.verdict = Parse(row.Text(0)),
                                     .dst = row.Int(1),
                                     .digest = std::string(row.Bytes(2)),
                                     .reason = row.String(3)});
}

Status ImportLedger::Put(const ImportRecord& record) {
  std::optional<int64_t> dst;
  if (record.dst != 0) dst = record.dst;
  return db_.Run(kPut, origin_, record.table, record.id, Word(record.verdict), dst,
                 Blob{record.digest}, OrNull{record.reason}, OrNull{record.note});
}

Status ImportLedger::NothingToTell(std::string_view table, std::string_view id) {
  return db_.Run(kNothingToTell, origin_, table, id);
}

Status ImportLedger::ToTell(std::string_view table, std::string_view id, ImportNews news,
                            std::string_view reason) {
  return db_.Run(kToTell, Word(news), origin_, table, id, reason);
}

StatusOr<std::set<std::pair<std::string, std::string>>> ImportLedger::Told() {
  std::set<std::pair<std::string, std::string>> out;
  ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(kTold, origin_));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.emplace(rows.String(0), rows.String(1));
  }
}

Status ImportLedger::Reword(std::string_view table, std::string_view id, std::string_view reason) {
  return db_.Run(kReword, origin_, table, id, reason);
}

StatusOr<std::vector<ImportRowKey>> ImportsInUse(Db& db, std::string_view table, int64_t dst) {
  return ReadImportRowKeys(db.Query(kInUse, table, dst));
}

StatusOr<std::vector<ImportRowKey>> ReadImportRowKeys(StatusOr<Cursor> rows) {
  ST_RETURN_IF_ERROR(rows.status());
  std::vector<ImportRowKey> out;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows->Next());
    if (!more) return out;
    out.push_back({rows->String(0), rows->String(1), rows->String(2)});
  }
}

Status EraseImportNote(Db& db, const ImportRowKey& row) {
  return db.Run(kEraseNote, row.origin, row.table, row.id);
}

StatusOr<ImportRows> RejectedImports(Db& db, std::string_view origin, int64_t limit) {
  ImportRows out;
  ST_ASSIGN_OR_RETURN(out.first, ReadRows(db.Query(kRejected, origin, limit)));
  ST_ASSIGN_OR_RETURN(out.count, db.QueryInt(kCountRejected, 0, origin));
  return out;
}

StatusOr<ImportRows> NewsOfImport(Db& db, std::string_view origin, ImportNews news, int64_t limit) {
  ImportRows out;
  ST_ASSIGN_OR_RETURN(out.first, ReadRows(db.Query(kNews, origin, Word(news), limit)));
  ST_ASSIGN_OR_RETURN(out.count, db.QueryInt(kCountNews, 0, origin, Word(news)));
  return out;
}

}  // namespace selftune::store
