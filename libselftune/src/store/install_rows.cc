#include "store/install_rows.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"

namespace selftune::store {
namespace {

constexpr char kReadInstalls[] =
    "SELECT path, kind, platform, ours, sha256, created_file, backup_path, version, installed_ms "
    "FROM install ORDER BY path, kind";

constexpr char kPutInstall[] =
    "INSERT OR REPLACE INTO install(path,kind,platform,ours,sha256,created_file,backup_path,"
    "version,installed_ms) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)";

constexpr char kDropInstall[] = "DELETE FROM install WHERE path=?1 AND kind=?2";

}  // namespace

StatusOr<std::vector<InstallRow>> ReadInstalls(Db& db) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kReadInstalls));
  std::vector<InstallRow> out;
  while (true) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back({.path = rows.String(0),
                   .kind = rows.String(1),
                   .platform = rows.String(2),
                   .ours = rows.String(3),
                   .sha256 = base::Hex(rows.Bytes(4)),
                   .created_file = rows.Bool(5),
                   .backup_path = rows.String(6),
                   .version = rows.String(7),
                   .installed = rows.Time(8)});
  }
}

Status PutInstall(Db& db, const InstallRow& row) {
  const std::string hash = base::FromHex(row.sha256).value_or("");
  db.Touch(kTopicSettings);
  return db.Run(kPutInstall, row.path, row.kind, OrNull{row.platform}, OrNull{row.ours}, Blob{hash},
                row.created_file, OrNull{row.backup_path}, row.version, row.installed);
}

Status DropInstall(Db& db, std::string_view path, std::string_view kind) {
  db.Touch(kTopicSettings);
  return db.Run(kDropInstall, path, kind);
}

}  // namespace selftune::store
