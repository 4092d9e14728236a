// What one store remembers to have forgotten, in another.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status_macros.h"
#include "store/forget.h"
#include "store/write_pieces.h"

namespace selftune::store {
namespace {

constexpr char kRemembered[] = R"sql(SELECT session_key,text_key,at_ms FROM forgotten)sql";
constexpr char kRemember[] =
    R"sql(INSERT INTO forgotten(session_key,text_key,at_ms) VALUES(?1,coalesce(?2,x''),?3) ON CONFLICT DO NOTHING)sql";
constexpr char kBefore[] = R"sql(
  SELECT coalesce(max(CAST(CAST(text_key AS TEXT) AS INTEGER)),0) FROM forgotten WHERE session_key=zeroblob(16))sql";

// By these an import knows words that were a prompt's.
constexpr char kErased[] =
    R"sql(SELECT sha256,NULL,erased_ms FROM body WHERE text IS NULL AND erased_ms IS NOT NULL)sql";
constexpr char kErase[] = R"sql(
  INSERT INTO body(sha256,bytes,text,erased_ms) VALUES(?1,0,NULL,?2) ON CONFLICT DO NOTHING)sql";

struct Memory {
  std::string one, two;  // keys
  int64_t at = 0;
};

StatusOr<std::vector<Memory>> ReadMemory(Db& from, const char* sql) {
  std::vector<Memory> out;
  ST_ASSIGN_OR_RETURN(Cursor rows, from.Query(sql));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back({std::string(rows.Bytes(0)), std::string(rows.Bytes(1)), rows.Int(2)});
  }
}

Status CopyMemory(Db& from, Db& to, const base::Cancel* cancel) {
  ST_ASSIGN_OR_RETURN(const std::vector<Memory> keys, ReadMemory(from, kRemembered));
  ST_RETURN_IF_ERROR(WriteInPieces(to, cancel, keys.size(), [&](size_t i) {
    return to.Run(kRemember, Blob{keys[i].one}, Blob{keys[i].two}, keys[i].at);
  }));
  ST_ASSIGN_OR_RETURN(const std::vector<Memory> texts, ReadMemory(from, kErased));
  return WriteInPieces(to, cancel, texts.size(),
                       [&](size_t i) { return to.Run(kErase, Blob{texts[i].one}, texts[i].at); });
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
  ST_RETURN_IF_ERROR(CopyMemory(*there, db, cancel));
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
