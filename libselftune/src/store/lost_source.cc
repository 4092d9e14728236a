#include "store/lost_source.h"

#include "base/status_macros.h"

namespace selftune::store {
namespace {

constexpr char kNote[] = R"sql(
  INSERT INTO meta(key,value) SELECT 'lost_source.'||session_pk,'1' FROM session
  WHERE source_id IS NULL AND capture='transcript' ON CONFLICT DO NOTHING)sql";
constexpr char kFound[] = R"sql(DELETE FROM meta WHERE key='lost_source.'||?1)sql";

}  // namespace

Status NoteLostSources(Db& db) { return db.Run(kNote); }

Status FoundSource(Db& db, SessionPk session) { return db.Run(kFound, session); }

}  // namespace selftune::store
