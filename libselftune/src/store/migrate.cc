#include "store/migrate.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "store/backup.h"
#include "store/db.h"

namespace selftune::store {
namespace {

constexpr int kWalAttempts = 1000;
constexpr std::chrono::milliseconds kWalPause{10};

#include "store/schema.inc"

constexpr char kApplicationIdSql[] = "PRAGMA application_id";
constexpr char kUserVersionSql[] = "PRAGMA user_version";
constexpr char kSetMeta[] =
    R"sql(INSERT INTO meta(key,value) VALUES(?1,?2) ON CONFLICT DO UPDATE SET value=excluded.value)sql";
constexpr char kGetMetaIs[] = R"sql(SELECT 1 FROM meta WHERE key=?1 AND value=?2)sql";
constexpr char kViewNames[] = R"sql(SELECT name FROM sqlite_schema WHERE type='view')sql";

// Runs `body` in one transaction that nobody else can write or begin in.
template <typename Body>
Status Exclusively(Db& db, Body&& body) {
  ST_RETURN_IF_ERROR(db.Execute("BEGIN EXCLUSIVE"));
  Status status = body();
  if (status.ok()) status = db.Execute("COMMIT");
  if (!status.ok() && db.in_transaction()) {
    const Status ignored = db.Execute("ROLLBACK");  // the first failure is the one to report
    (void)ignored;
  }
  return status;
}

Status MakeViews(Db& db) {
  ST_RETURN_IF_ERROR(db.Execute(kViewsSql));
  return db.Run(kSetMeta, "views_sha256", base::Sha256Hex(kViewsSql));
}

Status DropViews(Db& db) {
  std::vector<std::string> names;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kViewNames));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      names.push_back(rows.String(0));
    }
  }
  for (const std::string& name : names) {
    std::string quoted;
    for (const char c : name) quoted += c == '"' ? "\"\"" : std::string(1, c);
    ST_RETURN_IF_ERROR(db.Execute("DROP VIEW \"" + quoted + "\""));
  }
  return absl::OkStatus();
}

Status FillNewFile(Db& db) {
  // Another process may have been faster.
  ST_ASSIGN_OR_RETURN(const int64_t mark, db.QueryInt(kApplicationIdSql, 0));
  if (mark == kApplicationId) return absl::OkStatus();
  ST_RETURN_IF_ERROR(db.Execute("PRAGMA application_id=" + std::to_string(kApplicationId)));
  ST_RETURN_IF_ERROR(db.Execute("PRAGMA user_version=" + std::to_string(kSchemaVersion)));
  ST_RETURN_IF_ERROR(db.Execute(kSchemaSql));
  ST_RETURN_IF_ERROR(db.Run(kSetMeta, "schema_version", std::to_string(kSchemaVersion)));
  ST_RETURN_IF_ERROR(db.Run(kSetMeta, "min_reader", "1"));
  ST_RETURN_IF_ERROR(db.Run(kSetMeta, "created_at", FormatRfc3339(SystemClock().Now())));
  return MakeViews(db);
}

// Of the statement that begins there; remarks may have semicolons.
size_t EndOf(std::string_view sql, size_t begin) {
  for (size_t at = begin; at < sql.size(); ++at) {
    if (sql.substr(at).starts_with("--")) at = std::min(sql.find('\n', at), sql.size());
    if (at < sql.size() && sql[at] == ';') return at;
  }
  return sql.size();
}

Status ApplyOne(Db& db, const Migration& migration) {
  return Exclusively(db, [&]() -> Status {
    // Another process may have been faster here, too.
    ST_ASSIGN_OR_RETURN(const int64_t now, db.QueryInt(kUserVersionSql, 0));
    if (now != migration.from) return absl::OkStatus();
    ST_RETURN_IF_ERROR(DropViews(db));
    ST_RETURN_IF_ERROR(migration.apply(db));
    const std::string to = std::to_string(migration.from + 1);
    ST_RETURN_IF_ERROR(db.Run(kSetMeta, "schema_version", to));
    ST_RETURN_IF_ERROR(MakeViews(db));
    return db.Execute("PRAGMA user_version=" + to);
  });
}

// What stores of this version may be without, since older programs made them.
struct Added {
  std::string_view kind, name;
};
constexpr Added kAdded[] = {
    {"TABLE", "forgotten"},     {"TABLE", "import_map"},    {"INDEX", "import_kept"},
    {"TABLE", "vcs_commit"},    {"INDEX", "commit_sha"},    {"INDEX", "commit_time"},
    {"INDEX", "session_place"}, {"TABLE", "commit_logged"}, {"INDEX", "commit_logged_session"},
    {"TABLE", "commit_due"},    {"INDEX", "label_facts"},   {"INDEX", "prompt_facts"},
    {"TABLE", "import_untold"}, {"TABLE", "skill_rest"},
};

// Counts those that are there.
const char* CountOfAdded() {
  static const std::string sql = [] {
    std::string out = "SELECT count(*) FROM sqlite_schema WHERE name IN(";
    for (const Added& what : kAdded) out += fmt::format("'{}',", what.name);
    out.back() = ')';
    return out;
  }();
  return sql.c_str();
}

}  // namespace

std::string_view SchemaSql() { return kSchemaSql; }

std::string_view ViewsSql() { return kViewsSql; }

std::vector<std::string> SchemaTables() {
  constexpr std::string_view kCreate = "CREATE TABLE ";
  const std::string_view sql = kSchemaSql;
  std::vector<std::string> names;
  for (size_t at = sql.find(kCreate); at != sql.npos; at = sql.find(kCreate, at + 1)) {
    const size_t begin = at + kCreate.size();
    names.emplace_back(sql.substr(begin, sql.find('(', begin) - begin));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::span<const Migration> Migrations() {
  return {};  // version 1 is the first
}

Status CreateSchema(Db& db) {
  // The journal mode is part of the file and cannot change inside a
  // transaction; an empty WAL database is still an empty file to others. The
  // change does not wait for locks by itself: several processes may be here.
  Status wal = db.Execute("PRAGMA journal_mode=WAL");
  for (int i = 0; i < kWalAttempts && CodeOf(wal).name == kStoreBusy.name; ++i) {
    std::this_thread::sleep_for(kWalPause);
    wal = db.Execute("PRAGMA journal_mode=WAL");
  }
  ST_RETURN_IF_ERROR(wal);
  return Exclusively(db, [&] { return FillNewFile(db); });
}

Status AddMissingTables(Db& db) {
  constexpr char kAllDue[] =
      "INSERT INTO commit_due(session_pk) SELECT session_pk FROM session WHERE workspace_id IS NOT "
      "NULL";
  // `label_facts` has all that it had.
  constexpr char kDropOld[] = "DROP INDEX IF EXISTS label_skill";
  ST_ASSIGN_OR_RETURN(const int64_t has, db.QueryInt(CountOfAdded(), 0));
  if (has == std::ssize(kAdded)) return absl::OkStatus();
  return Exclusively(db, [&]() -> Status {
    ST_ASSIGN_OR_RETURN(const bool dues, db.Has("commit_due"));
    for (const Added& what : kAdded) {
      const std::string_view sql = kSchemaSql;
      const size_t begin = sql.find(
          fmt::format("CREATE {} {}{}", what.kind, what.name, what.kind == "TABLE" ? "(" : " "));
      if (begin == sql.npos) return Fail(kInternal, "adding to {}: no {}", db.path(), what.name);
      std::string create(sql.substr(begin, EndOf(sql, begin) - begin));
      create.insert(create.find(' ', std::string_view("CREATE ").size()), " IF NOT EXISTS");
      ST_RETURN_IF_ERROR(db.Execute(create));
    }
    ST_RETURN_IF_ERROR(db.Execute(kDropOld));
    // Of sessions from before it was there nobody asked which commits they made.
    return dues ? absl::OkStatus() : db.Execute(kAllDue);
  });
}

Status RefreshViews(Db& db) {
  const std::string digest = base::Sha256Hex(kViewsSql);
  ST_ASSIGN_OR_RETURN(const int64_t same, db.QueryInt(kGetMetaIs, 0, "views_sha256", digest));
  if (same == 1) return absl::OkStatus();
  return Exclusively(db, [&]() -> Status {
    ST_RETURN_IF_ERROR(DropViews(db));
    return MakeViews(db);
  });
}

StatusOr<MigrateReport> Migrate(const std::string& store_path) {
  return MigrateWith(store_path, Migrations(), kSchemaVersion);
}

StatusOr<MigrateReport> MigrateWith(const std::string& store_path,
                                    std::span<const Migration> migrations, int target) {
  ST_ASSIGN_OR_RETURN(const std::unique_ptr<Db> db, Db::OpenUnchecked(store_path));
  ST_ASSIGN_OR_RETURN(const int64_t from, db->QueryInt(kUserVersionSql, 0));
  MigrateReport report{
      .from = static_cast<int>(from), .to = static_cast<int>(from), .backup_path = {}};
  if (report.from >= target) return report;
  ST_ASSIGN_OR_RETURN(const BackupReport backup, CreateBackup(store_path, SystemClock().Now()));
  report.backup_path = backup.backup.path;
  while (report.to < target) {
    const Migration* next = nullptr;
    for (const Migration& migration : migrations) {
      if (migration.from == report.to) next = &migration;
    }
    if (next == nullptr) {
      return Fail(kInternal, "migrating {}: there is no step from schema version {}", store_path,
                  report.to);
    }
    ST_RETURN_IF_ERROR(ApplyOne(*db, *next));
    ++report.to;
  }
  return report;
}

}  // namespace selftune::store
