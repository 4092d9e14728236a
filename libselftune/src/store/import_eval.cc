// Eval sets that the reference had.
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "base/status_macros.h"
#include "store/forget.h"
#include "store/import_rows.h"

namespace selftune::store {
namespace {

constexpr char kHasOwnSet[] = R"sql(
  SELECT EXISTS(SELECT 1 FROM eval_entry WHERE skill_id=?1 AND active=1
    AND coalesce(json_extract(extra,'$.reason'),'')<>'imported'))sql";
constexpr char kDeactivate[] =
    R"sql(UPDATE eval_entry SET active=0 WHERE skill_id=?1 AND active=1)sql";
constexpr char kAddEntry[] = R"sql(
  INSERT INTO eval_entry(skill_id,entry_id,query_body,should_trigger,invocation_type,source,label_confidence,split,cluster,
    active,first_ms,last_ms,extra) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13) ON CONFLICT DO NOTHING)sql";
constexpr char kActivate[] = R"sql(
  UPDATE eval_entry SET active=1 WHERE skill_id=?1 AND entry_id=?2 AND json_extract(extra,'$.reason')='imported')sql";
constexpr char kBodyGone[] =
    R"sql(SELECT EXISTS(SELECT 1 FROM body WHERE sha256=?1 AND text IS NULL))sql";
constexpr char kBodyThere[] =
    R"sql(SELECT EXISTS(SELECT 1 FROM body WHERE sha256=?1 AND text IS NOT NULL))sql";

// Somebody's words that were forgotten, and that nobody else said.
StatusOr<bool> AreForgotten(Db& db, std::string_view text) {
  const std::string key = base::Sha256Bytes(text);
  ST_ASSIGN_OR_RETURN(const int64_t there, db.QueryInt(kBodyThere, 0, Blob{key}));
  if (there != 0) return false;
  ST_ASSIGN_OR_RETURN(const int64_t emptied, db.QueryInt(kBodyGone, 0, Blob{key}));
  const std::string erased = ErasedBodyKey(key);
  ST_ASSIGN_OR_RETURN(const int64_t gone, db.QueryInt(kBodyGone, 0, Blob{erased}));
  return emptied != 0 || gone != 0;
}

}  // namespace

StatusOr<WrittenEvalSet> WriteImportedEvalSet(IngestWriter& writer, std::string_view skill,
                                              const std::vector<EvalEntryRow>& entries) {
  Db& db = writer.db();
  WrittenEvalSet out;
  if (entries.empty()) return out;
  ST_ASSIGN_OR_RETURN(out.skill, writer.EnsureSkill(skill));
  ST_ASSIGN_OR_RETURN(const int64_t own, db.QueryInt(kHasOwnSet, 0, out.skill));
  const bool active = own == 0;
  if (active) ST_RETURN_IF_ERROR(db.Run(kDeactivate, out.skill));
  for (const EvalEntryRow& entry : entries) {
    ST_ASSIGN_OR_RETURN(const bool forgotten, AreForgotten(db, entry.query));
    if (forgotten) {
      ++out.forgotten;
      continue;
    }
    ST_ASSIGN_OR_RETURN(const BodyId query, writer.InternBody(entry.query));
    ST_RETURN_IF_ERROR(db.Run(kAddEntry, out.skill, entry.entry_id, query, entry.should_trigger,
                              entry.invocation_type, entry.source, entry.label_confidence,
                              entry.split, OrNull{entry.cluster}, active, entry.first, entry.last,
                              entry.extra));
    out.added += db.changes();
    if (active) ST_RETURN_IF_ERROR(db.Run(kActivate, out.skill, entry.entry_id));
  }
  db.Touch(kTopicEvolution);
  return out;
}

}  // namespace selftune::store
