// What one store remembers to have forgotten, in another.
#include <cstdint>
#include <memory>
#include <string>

#include "base/status_macros.h"
#include "store/forget.h"
#include "store/write_txn.h"

namespace selftune::store {
namespace {

constexpr char kRemembered[] = R"sql(SELECT session_key,text_key,at_ms FROM forgotten)sql";
constexpr char kRemember[] =
    R"sql(INSERT INTO forgotten(session_key,text_key,at_ms) VALUES(?1,coalesce(?2,x''),?3) ON CONFLICT DO NOTHING)sql";
constexpr char kBefore[] = R"sql(
  SELECT coalesce(max(CAST(CAST(text_key AS TEXT) AS INTEGER)),0) FROM forgotten WHERE session_key=zeroblob(16))sql";

// By these an import knows words that were a prompt's.
constexpr char kErased[] =
    R"sql(SELECT sha256,erased_ms FROM body WHERE text IS NULL AND erased_ms IS NOT NULL)sql";
constexpr char kErase[] = R"sql(
  INSERT INTO body(sha256,bytes,text,erased_ms) VALUES(?1,0,NULL,?2) ON CONFLICT DO NOTHING)sql";

Status CopyMemory(Db& from, Db& to) {
  ST_ASSIGN_OR_RETURN(WriteTxn txn, WriteTxn::Begin(to));
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, from.Query(kRemembered));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      ST_RETURN_IF_ERROR(to.Run(kRemember, Blob{rows.Bytes(0)}, Blob{rows.Bytes(1)}, rows.Int(2)));
    }
  }
  ST_ASSIGN_OR_RETURN(Cursor rows, from.Query(kErased));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return txn.Commit();
    ST_RETURN_IF_ERROR(to.Run(kErase, Blob{rows.Bytes(0)}, rows.Int(1)));
  }
}

constexpr char kKnows[] =
    R"sql(SELECT 1 FROM forgotten WHERE session_key=?1 AND text_key=coalesce(?2,x''))sql";

}  // namespace

StatusOr<bool> ForgotMore(const std::string& former, const std::string& path) {
  ST_ASSIGN_OR_RETURN(const std::unique_ptr<Db> there, Db::Open(former, {}));
  ST_ASSIGN_OR_RETURN(const std::unique_ptr<Db> here, Db::Open(path, {}));
  ST_ASSIGN_OR_RETURN(Cursor rows, there->Query(kRemembered));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return false;
    ST_ASSIGN_OR_RETURN(const int64_t known,
                        here->QueryInt(kKnows, 0, Blob{rows.Bytes(0)}, Blob{rows.Bytes(1)}));
    if (known == 0) return true;
  }
}

StatusOr<ForgetReport> ForgetAgain(Db& db, const std::string& former, UtcMillis now,
                                   const base::Cancel* cancel) {
  ST_ASSIGN_OR_RETURN(const std::unique_ptr<Db> there, Db::Open(former, {.cancel = cancel}));
  ST_RETURN_IF_ERROR(CopyMemory(*there, db));
  ST_ASSIGN_OR_RETURN(ForgetReport report, Forget(db, {.again = true, .cancel = cancel}, now));
  ST_ASSIGN_OR_RETURN(const int64_t before, db.QueryInt(kBefore, 0));
  if (before == 0) return report;
  ST_ASSIGN_OR_RETURN(
      const ForgetReport older,
      Forget(db, {.before = UtcMillis{before}, .retention = true, .cancel = cancel}, now));
  report.prompts += older.prompts;
  report.sessions += older.sessions;
  report.texts += older.texts;
  report.eval_entries += older.eval_entries;
  return report;
}

}  // namespace selftune::store
