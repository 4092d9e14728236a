#include "store/skill_catalogue.h"

#include <vector>

#include "base/status_macros.h"

namespace selftune::store {
namespace {

constexpr char kKnown[] =
    "SELECT k.name_key, l.path, l.content_sha256, l.scope FROM skill_location l "
    "JOIN skill k ON k.skill_id=l.skill_id ORDER BY l.path, k.name_key";

constexpr char kRemove[] =
    "DELETE FROM skill_location WHERE path=?2 AND "
    "skill_id=(SELECT skill_id FROM skill WHERE name_key=?1)";

}  // namespace

StatusOr<std::vector<KnownLocation>> KnownLocations(Db& db) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kKnown));
  std::vector<KnownLocation> out;
  while (true) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back({rows.String(0), rows.String(1), std::string(rows.Bytes(2)), rows.String(3)});
  }
}

Status RemoveLocation(Db& db, const KnownLocation& location) {
  db.Touch(kTopicEvidence);
  return db.Run(kRemove, location.skill_key, location.path);
}

}  // namespace selftune::store
