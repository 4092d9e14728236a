#include "store/skill_catalogue.h"

#include <vector>

#include "base/status_macros.h"

namespace selftune::store {
namespace {

constexpr char kKnown[] =
    "SELECT k.name_key, l.path, l.scope, l.registry_dir, l.project_root, l.real_path, l.dev,"
    " l.inode, l.content_sha256, l.implicit_allowed, l.in_git, l.size, l.mtime_ns, l.ctime_ns, "
    "l.last_ms "
    "FROM skill_location l JOIN skill k ON k.skill_id=l.skill_id ORDER BY l.path, k.name_key";

constexpr char kNames[] =
    "SELECT k.name FROM skill k WHERE EXISTS(SELECT 1 FROM skill_location l "
    "WHERE l.skill_id=k.skill_id) ORDER BY k.name";

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
    out.push_back({.skill_key = rows.String(0),
                   .path = rows.String(1),
                   .scope = rows.String(2),
                   .registry_dir = rows.String(3),
                   .project_root = rows.String(4),
                   .real_path = rows.String(5),
                   .dev = rows.Int(6),
                   .inode = rows.Int(7),
                   .content_sha256 = std::string(rows.Bytes(8)),
                   .implicit_allowed = rows.OptBool(9),
                   .in_git = rows.OptBool(10),
                   .size = rows.Int(11),
                   .mtime_ns = rows.Int(12),
                   .ctime_ns = rows.Int(13),
                   .last = rows.Time(14)});
  }
}

StatusOr<std::vector<std::string>> InstalledNames(Db& db) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kNames));
  std::vector<std::string> out;
  while (true) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back(rows.String(0));
  }
}

Status RemoveLocation(Db& db, const KnownLocation& location) {
  db.Touch(kTopicEvidence);
  return db.Run(kRemove, location.skill_key, location.path);
}

}  // namespace selftune::store
