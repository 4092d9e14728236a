#include "store/import.h"

#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "store/any_statement.h"
#include "store/archive.h"
#include "store/backup.h"
#include "store/db.h"
#include "store/import_merge.h"
#include "store/integrity.h"
#include "store/mend.h"
#include "store/migrate.h"
#include "store/swap.h"
#include "store/table_shape.h"
#include "store/write_txn.h"

namespace selftune::store {
namespace {

using internal::AnyStatement;
using internal::AnyValue;
using internal::BindAny;
using internal::PrepareAny;
using internal::Quoted;
using internal::StepAny;

constexpr int64_t kRowsPerCheck = 1000;
constexpr char kLoading[] = ".loading";  // not the ".importing" of `import upstream`

// What the next sync finds again: a store with rows in these tables only has
// nothing of its own.
constexpr std::array<std::string_view, 11> kFoundAgain = {
    "body",           "bad_line", "capability",    "hook_stat",   "listing",  "listing_entry",
    "skill_location", "skill",    "skill_version", "source_file", "workspace"};

StatusOr<bool> HoldsNothing(Db& db, const std::vector<TableShape>& tables) {
  for (const TableShape& table : tables) {
    const bool found_again =
        std::find(kFoundAgain.begin(), kFoundAgain.end(), table.name) != kFoundAgain.end();
    if (found_again || IsDerived(table.name) || IsHousekeeping(table.name)) continue;
    ST_ASSIGN_OR_RETURN(
        const int64_t rows,
        internal::CountOf(db, "SELECT EXISTS(SELECT 1 FROM " + Quoted(table.name) + ")",
                          "looking at " + table.name + " of"));
    if (rows != 0) return false;
  }
  return true;
}

// Fills a new store with the rows of an archive, exactly.
class Loader {
 public:
  Loader(Db& db, const Archive& archive, const base::Cancel* cancel)
      : db_(db), archive_(archive), cancel_(cancel) {}

  Status Load(const std::vector<TableShape>& tables) {
    // The rows of triggers and the order of the tables are in the archive.
    sqlite3_db_config(db_.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    ST_RETURN_IF_ERROR(db_.Execute("PRAGMA foreign_keys=OFF; PRAGMA synchronous=OFF"));
    if (archive_.database) ST_RETURN_IF_ERROR(Attach());
    ST_RETURN_IF_ERROR(db_.Execute("BEGIN IMMEDIATE"));
    for (const TableShape& table : tables) {
      ST_RETURN_IF_ERROR(db_.Execute("DELETE FROM " + Quoted(table.name)));
      ST_RETURN_IF_ERROR(archive_.database ? FromDatabase(table) : FromRows(table));
    }
    ST_RETURN_IF_ERROR(db_.Execute("INSERT OR IGNORE INTO change_clock VALUES(1,0,0)"));
    ST_RETURN_IF_ERROR(db_.Execute("COMMIT"));
    if (archive_.database && rows_ != archive_.files.front().rows) {
      return Fail(kStoreCorrupt, "reading the archive {}: it has {} rows, its manifest says {}",
                  archive_.dir, rows_, archive_.files.front().rows);
    }
    ST_RETURN_IF_ERROR(CheckParents(tables));
    sqlite3_db_config(db_.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, nullptr);
    return archive_.database ? db_.Execute("DETACH archive") : absl::OkStatus();
  }

 private:
  Status Attach() {
    ST_ASSIGN_OR_RETURN(const AnyStatement stmt, PrepareAny(db_, "ATTACH DATABASE ?1 AS archive",
                                                            "reading the archive for"));
    const AnyValue path{.type = AnyValue::Type::kText, .bytes = archive_.files.front().path};
    ST_RETURN_IF_ERROR(BindAny(db_, stmt.get(), 1, path));
    return StepAny(db_, stmt.get(), "reading the archive for").status();
  }

  Status FromDatabase(const TableShape& table) {
    const Status taken = db_.Execute("INSERT INTO main." + Quoted(table.name) + " SELECT " +
                                     table.ColumnList() + " FROM archive." + Quoted(table.name));
    if (taken.ok()) rows_ += db_.changes();
    const std::string_view code = taken.ok() ? "" : CodeOf(taken).name;
    if (code != kInternal.name && code != kStoreConstraint.name) return taken;
    return Refused(Fail(kStoreConstraint, "{}", Message(taken)), "its database", table.name);
  }

  Status FromRows(const TableShape& table) {
    const auto file = std::find_if(archive_.files.begin(), archive_.files.end(),
                                   [&](const ArchiveFile& f) { return f.table == table.name; });
    ArchiveRows rows(*file, table);
    ST_RETURN_IF_ERROR(rows.Open());
    ST_ASSIGN_OR_RETURN(const AnyStatement insert,
                        PrepareAny(db_, table.InsertSql("INSERT"), "importing into"));
    std::vector<AnyValue> row;
    int64_t count = 0;
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next(row));
      if (!more) break;
      const Status added = Insert(insert.get(), row);
      if (!added.ok()) return Refused(added, rows.Where(), table.NameOf(row));
      if (++count % kRowsPerCheck == 0 && cancel_ != nullptr) ST_RETURN_IF_ERROR(cancel_->Check());
    }
    if (count == file->rows) return absl::OkStatus();
    return Fail(kStoreCorrupt, "reading the archive {}: {} has {} rows, its manifest says {}",
                archive_.dir, base::BaseName(file->path), count, file->rows);
  }

  Status Insert(sqlite3_stmt* insert, const std::vector<AnyValue>& row) {
    sqlite3_reset(insert);
    for (size_t i = 0; i < row.size(); ++i) {
      ST_RETURN_IF_ERROR(BindAny(db_, insert, static_cast<int>(i) + 1, row[i]));
    }
    return StepAny(db_, insert, "adding a row to").status();
  }

  // A row that the tables do not take; another failure is one of this machine.
  Status Refused(const Status& status, const std::string& where, const std::string& row) const {
    if (CodeOf(status).name != kStoreConstraint.name) return status;
    return WithSuggestion(Fail(kStoreCorrupt, "reading the archive {}: {} ({}): {}", archive_.dir,
                               where, row, sqlite3_errmsg(db_.handle())),
                          "nothing was changed; make the archive anew",
                          "selftune export ./evidence");
  }

  Status CheckParents(const std::vector<TableShape>& tables) {
    ST_ASSIGN_OR_RETURN(const AnyStatement stmt,
                        PrepareAny(db_, "PRAGMA main.foreign_key_check", "checking"));
    ST_ASSIGN_OR_RETURN(const bool found, StepAny(db_, stmt.get(), "checking"));
    if (!found) return absl::OkStatus();
    const std::string child(internal::BytesAt(stmt.get(), 0));
    const std::string parent(internal::BytesAt(stmt.get(), 2));
    const AnyValue rowid = internal::ValueAt(stmt.get(), 1);
    const bool known = std::any_of(tables.begin(), tables.end(),
                                   [&](const TableShape& t) { return t.name == child; });
    return WithSuggestion(
        Fail(kStoreCorrupt, "reading the archive {}: the row {}{} has no parent in {}",
             archive_.dir, known ? child : "?",
             rowid.type == AnyValue::Type::kNull ? "" : " " + internal::Shown(rowid), parent),
        "nothing was changed; make the archive anew", "selftune export ./evidence");
  }

  Db& db_;
  const Archive& archive_;
  const base::Cancel* cancel_;
  int64_t rows_ = 0;
};

Status NotGenuine(const Archive& archive, std::string_view why) {
  return WithSuggestion(Fail(kStoreCorrupt, "reading the archive {}: {}", archive.dir, why),
                        "nothing was changed; see whether the store that it comes from says so, "
                        "too, and make the archive anew",
                        "selftune db check --deep");
}

// Each text is the one that its digest says.
Status CheckTexts(Db& db, const Archive& archive) {
  constexpr std::string_view kDoing = "checking the texts of";
  ST_ASSIGN_OR_RETURN(
      const AnyStatement stmt,
      PrepareAny(db, "SELECT body_id, sha256, text FROM body WHERE text IS NOT NULL",
                 std::string(kDoing)));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, StepAny(db, stmt.get(), kDoing));
    if (!more) return absl::OkStatus();
    if (internal::BytesAt(stmt.get(), 1) == base::Sha256Bytes(internal::BytesAt(stmt.get(), 2))) {
      continue;
    }
    return NotGenuine(archive, "the text of body " +
                                   std::to_string(sqlite3_column_int64(stmt.get(), 0)) +
                                   " is another one than its digest says");
  }
}

// The audit has to be the one that was written. Figures that do not follow from the rows
// are made anew.
Status CheckContent(Db& db, const Archive& archive) {
  ST_RETURN_IF_ERROR(CheckTexts(db, archive));
  ST_ASSIGN_OR_RETURN(const CheckReport report, CheckStore(db, {.deep = true}));
  for (const Problem& problem : report.problems) {
    if (problem.check == "hash_chain") return NotGenuine(archive, problem.message);
  }
  const bool wrong = std::any_of(report.problems.begin(), report.problems.end(), [](const auto& p) {
    return p.check == "rollup" || p.check == "counter";
  });
  if (!wrong) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(WriteTxn txn, WriteTxn::Begin(db));
  ST_RETURN_IF_ERROR(RecomputeDerived(db));
  return txn.Commit();
}

Status MakeStore(const std::string& path, const Archive& archive,
                 const std::vector<TableShape>& tables, const base::Cancel* cancel) {
  ST_RETURN_IF_ERROR(RemoveStoreFiles(path));
  {
    ST_ASSIGN_OR_RETURN(const std::unique_ptr<Db> db,
                        Db::Open(path, {.mode = OpenMode::kCreate, .bulk = true}));
    ST_RETURN_IF_ERROR(Loader(*db, archive, cancel).Load(tables));
    ST_RETURN_IF_ERROR(CheckContent(*db, archive));
  }
  return MakeSingleFile(path);
}

StatusOr<std::vector<ImportedTable>> CountAll(Db& db, const std::vector<TableShape>& tables) {
  std::vector<ImportedTable> out;
  for (const TableShape& table : tables) {
    ST_ASSIGN_OR_RETURN(const int64_t rows,
                        internal::CountOf(db, "SELECT count(*) FROM " + Quoted(table.name),
                                          "counting " + table.name + " of"));
    out.push_back({.name = table.name, .rows = rows, .imported = rows});
  }
  return out;
}

// One import; the store made of the archive is removed whatever happens.
class Import {
 public:
  Import(const std::string& store_path, const ImportOptions& options, UtcMillis now)
      : store_path_(store_path), options_(options), now_(now) {}
  ~Import() {
    try {
      const Status removed = RemoveStoreFiles(fresh_);
      (void)removed;                                           // the next import removes it
      if (!new_folder_.empty()) ::rmdir(new_folder_.c_str());  // when nothing came into it
    } catch (...) {  // NOLINT(bugprone-empty-catch): no memory for the names
    }
  }
  Import(const Import&) = delete;
  Import& operator=(const Import&) = delete;

  StatusOr<ImportReport> Run(const std::string& dir) {
    ST_ASSIGN_OR_RETURN(const Archive archive, ReadArchive(dir));
    ST_RETURN_IF_ERROR(VerifyArchive(archive, options_.cancel));
    ST_ASSIGN_OR_RETURN(tables_, SchemaShapes());
    const std::string folder = options_.dry_run
                                   ? options_.scratch_dir
                                   : std::string(base::DirName(ResolveStore(store_path_)));
    if (!base::Exists(folder)) new_folder_ = folder;
    ST_RETURN_IF_ERROR(base::MakeDirs(folder, 0700));
    fresh_ = base::JoinPath(folder, std::string(base::BaseName(store_path_)) + kLoading);
    ST_RETURN_IF_ERROR(MakeStore(fresh_, archive, tables_, options_.cancel));
    StatusOr<ImportReport> report = options_.dry_run ? Plan() : Apply();
    if (report.ok() || CodeOf(report.status()).name != kConflicted.name) return report;
    return Conflict(report.status(), archive.dir);
  }

 private:
  // Rows are told apart by the numbers they have in their store, so those of two stores
  // are not mixed.
  Status Conflict(const Status& status, const std::string& dir) const {
    const std::string theirs = BornOf(fresh_), ours = BornOf(store_path_);
    const bool other = theirs != ours && !theirs.empty() && !ours.empty();
    const std::string why =
        other ? fmt::format(
                    "importing into {}: the archive is of another store (made {}, this one "
                    "{}), and rows of two stores are not mixed: ",
                    store_path_, theirs, ours)
              : "";
    return WithSuggestion(
        Fail(kConflicted, "{}{}", why, Message(status)),
        other ? "look at it in a home of its own; transcripts of several machines are read into "
                "one store by sync"
              : "the store has gone on since the archive was made: look at it in a home of its own",
        base::JoinCommand({"selftune", "import", dir, "--home", OtherHome(dir)}));
  }

  // Beside the archive.
  static std::string OtherHome(std::string dir) {
    while (dir.size() > 1 && dir.ends_with('/')) dir.pop_back();
    return dir + "-home";
  }

  static std::string BornOf(const std::string& path) {
    const auto db = Db::OpenUnchecked(path, /*read_only=*/true);
    if (!db.ok()) return {};
    const auto row = PrepareAny(**db, "SELECT value FROM meta WHERE key='created_at'", "reading");
    if (!row.ok()) return {};
    const auto found = StepAny(**db, row->get(), "reading");
    return found.ok() && *found ? std::string(internal::BytesAt(row->get(), 0)) : std::string();
  }

  StatusOr<ImportReport> Plan() {
    if (!base::Exists(store_path_)) return Whole();
    ST_ASSIGN_OR_RETURN(const std::unique_ptr<Db> target, Db::Open(store_path_, {}));
    ST_ASSIGN_OR_RETURN(const bool nothing, HoldsNothing(*target, tables_));
    if (nothing) return Whole();
    // The reading connection refuses to write, also to nothing.
    ST_ASSIGN_OR_RETURN(auto counts, CompareStores(*target, fresh_, tables_));
    return ImportReport{.tables = std::move(counts), .backup_id = {}, .backup_path = {}};
  }

  StatusOr<ImportReport> Whole() {
    ST_ASSIGN_OR_RETURN(const std::unique_ptr<Db> fresh, Db::OpenUnchecked(fresh_));
    ImportReport report{.replaced = true, .backup_id = {}, .backup_path = {}};
    ST_ASSIGN_OR_RETURN(report.tables, CountAll(*fresh, tables_));
    return report;
  }

  StatusOr<ImportReport> Apply() {
    if (base::Exists(store_path_)) {
      // Ours, and of this version: a foreign file is never replaced.
      ST_ASSIGN_OR_RETURN(const std::unique_ptr<Db> target,
                          Db::Open(store_path_, {.mode = OpenMode::kCreate}));
      ST_ASSIGN_OR_RETURN(const bool nothing, HoldsNothing(*target, tables_));
      if (!nothing) return Merge(*target);
    }
    return Replace();
  }

  StatusOr<ImportReport> Merge(Db& target) {
    ST_ASSIGN_OR_RETURN(auto counts, CompareStores(target, fresh_, tables_));
    ImportReport report{.tables = std::move(counts), .backup_id = {}, .backup_path = {}};
    if (!report.changed()) return report;
    ST_RETURN_IF_ERROR(BackUp(report));
    ST_ASSIGN_OR_RETURN(report.tables, MergeStores(target, fresh_, tables_, options_.cancel));
    return report;
  }

  StatusOr<ImportReport> Replace() {
    ST_ASSIGN_OR_RETURN(ImportReport report, Whole());
    // Its log, which the count above left.
    ST_RETURN_IF_ERROR(MakeSingleFile(fresh_));
    const bool had = base::Exists(store_path_);
    if (had) ST_RETURN_IF_ERROR(BackUp(report));
    ST_ASSIGN_OR_RETURN(StoreSwap swap, StoreSwap::Begin(store_path_, {}));
    if (swap.old() != nullptr) {
      ST_ASSIGN_OR_RETURN(const bool still, HoldsNothing(*swap.old(), tables_));
      if (!still) {
        return Fail(kStoreBusy, "importing into {}: another process has begun to fill it",
                    store_path_);
      }
    }
    ST_RETURN_IF_ERROR(swap.Finish(fresh_, ""));
    return report;
  }

  Status BackUp(ImportReport& report) {
    ST_ASSIGN_OR_RETURN(const BackupReport made, CreateBackup(store_path_, now_, options_.cancel));
    report.backup_id = made.backup.id;
    report.backup_path = made.backup.path;
    return absl::OkStatus();
  }

  const std::string& store_path_;
  const ImportOptions& options_;
  UtcMillis now_;
  std::vector<TableShape> tables_;
  std::string fresh_, new_folder_;
};

}  // namespace

bool ImportReport::changed() const {
  return replaced || std::any_of(tables.begin(), tables.end(),
                                 [](const ImportedTable& table) { return table.imported > 0; });
}

StatusOr<ImportReport> ImportArchive(const std::string& store_path, const std::string& dir,
                                     const ImportOptions& options, UtcMillis now) {
  return Import(store_path, options, now).Run(dir);
}

}  // namespace selftune::store
