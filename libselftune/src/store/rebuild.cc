#include "store/rebuild.h"

#include <sqlite3.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "store/any_statement.h"
#include "store/integrity.h"
#include "store/mend.h"
#include "store/migrate.h"
#include "store/salvage.h"
#include "store/swap.h"
#include "store/write_txn.h"

namespace selftune::store {
namespace {

using internal::AnyStatement;
using internal::AnyValue;
using internal::BindAny;
using internal::PrepareAny;
using internal::Quoted;
using internal::StepAny;

constexpr char kSuffix[] = ".rebuilding";
constexpr int64_t kRowsPerCheck = 1000;
constexpr char kNextVersion[] =
    R"sql(UPDATE change_clock SET version=max(version,?1)+1, topics=63 WHERE id=1)sql";
constexpr char kSetMeta[] = R"sql(INSERT OR REPLACE INTO meta(key,value) VALUES(?1,?2))sql";
constexpr char kAddHost[] = R"sql(INSERT OR IGNORE INTO host(platform,name) VALUES(?1,?2))sql";

// 2026-11-25T21:04:05.123Z -> 20261125T210405123Z
std::string Stamp(UtcMillis at) {
  std::string out;
  for (const char c : FormatRfc3339(at)) {
    if (c != '-' && c != ':' && c != '.') out.push_back(c);
  }
  return out;
}

// Takes rows into a new store.
class Taker {
 public:
  explicit Taker(Db& db) : db_(db) {}

  Status Take(const TableShape& table, std::vector<AnyValue>& row) {
    if (table.name == "change_clock") return db_.Run(kNextVersion, row[1].integer);
    if (table.name == "meta") return TakeMeta(row);
    if (table.name == "host") return db_.Run(kAddHost, row[0].bytes, row[1].bytes);
    if (table.name == "body" && !IsGenuine(row)) {
      ++rejected_[table.name];  // read again it is a new text; this one would stay erased
      return absl::OkStatus();
    }
    ST_ASSIGN_OR_RETURN(sqlite3_stmt * insert, InsertInto(table));
    sqlite3_reset(insert);
    for (size_t i = 0; i < row.size(); ++i) {
      ST_RETURN_IF_ERROR(BindAny(db_, insert, static_cast<int>(i) + 1, row[i]));
    }
    const Status added = StepAny(db_, insert, "saving a row into").status();
    if (added.ok()) return added;
    if (CodeOf(added).name != kStoreConstraint.name) return added;
    // The same row once more is no loss.
    const bool again = sqlite3_extended_errcode(db_.handle()) == SQLITE_CONSTRAINT_PRIMARYKEY ||
                       sqlite3_extended_errcode(db_.handle()) == SQLITE_CONSTRAINT_ROWID;
    ++(again ? repeated_ : rejected_)[table.name];
    sqlite3_reset(insert);
    return absl::OkStatus();
  }

  [[nodiscard]] int64_t rejected(const std::string& table) const { return In(rejected_, table); }
  [[nodiscard]] int64_t repeated(const std::string& table) const { return In(repeated_, table); }

 private:
  static int64_t In(const std::map<std::string, int64_t>& counts, const std::string& table) {
    const auto at = counts.find(table);
    return at == counts.end() ? 0 : at->second;
  }

  Status TakeMeta(const std::vector<AnyValue>& row) {
    const std::string& key = row[0].bytes;
    if (key == "schema_version" || key == "views_sha256" || key == "min_reader") {
      return absl::OkStatus();  // of the new file
    }
    return db_.Run(kSetMeta, key, row[1].bytes);
  }

  // Is the text, where it was not erased, the one its hash was made of?
  static bool IsGenuine(const std::vector<AnyValue>& row) {
    const AnyValue& text = row[3];
    return text.type == AnyValue::Type::kNull || base::Sha256Bytes(text.bytes) == row[1].bytes;
  }

  StatusOr<sqlite3_stmt*> InsertInto(const TableShape& table) {
    AnyStatement& insert = inserts_[table.name];
    if (insert == nullptr) {
      ST_ASSIGN_OR_RETURN(insert, PrepareAny(db_, table.InsertSql("INSERT"), "saving a row into"));
    }
    return insert.get();
  }

  Db& db_;
  std::map<std::string, AnyStatement> inserts_;
  std::map<std::string, int64_t> rejected_, repeated_;
};

class Rebuild {
 public:
  Rebuild(const std::string& store_path, const RebuildOptions& options, UtcMillis now)
      : store_path_(store_path), options_(options), now_(now) {}
  ~Rebuild() {
    try {
      const Status removed = RemoveStoreFiles(fresh_);
      (void)removed;  // the next rebuild removes it
    } catch (...) {   // NOLINT(bugprone-empty-catch): no memory for the names
    }
  }
  Rebuild(const Rebuild&) = delete;
  Rebuild& operator=(const Rebuild&) = delete;

  StatusOr<RebuildReport> Run() {
    const std::string folder =
        options_.dry_run ? options_.scratch_dir : std::string(base::DirName(store_path_));
    fresh_ = base::JoinPath(folder, std::string(base::BaseName(store_path_)) + kSuffix);
    if (options_.dry_run) {
      ST_RETURN_IF_ERROR(MakeFresh());
      return std::move(report_);
    }
    ST_ASSIGN_OR_RETURN(StoreSwap swap, StoreSwap::Begin(store_path_, {.fold_log = false}));
    ST_RETURN_IF_ERROR(MakeFresh());
    report_.aside = store_path_ + ".before-recover-" + Stamp(now_);
    ST_RETURN_IF_ERROR(swap.Finish(fresh_, report_.aside));
    return std::move(report_);
  }

 private:
  Status MakeFresh() {
    ST_RETURN_IF_ERROR(RemoveStoreFiles(fresh_));
    ST_ASSIGN_OR_RETURN(Salvage salvage, Salvage::Open(store_path_, options_.cancel));
    {
      ST_ASSIGN_OR_RETURN(const std::unique_ptr<Db> db,
                          Db::Open(fresh_, {.mode = OpenMode::kCreate, .bulk = true}));
      ST_RETURN_IF_ERROR(db->Execute("PRAGMA foreign_keys=OFF; PRAGMA synchronous=OFF"));
      ST_RETURN_IF_ERROR(Fill(*db, salvage));
      ST_ASSIGN_OR_RETURN(const CheckReport check, CheckStore(*db, {}));
      for (const Problem& problem : check.problems) {
        report_.problems.push_back(problem.check + ": " + problem.message);
      }
    }
    return MakeSingleFile(fresh_);
  }

  Status Fill(Db& db, Salvage& salvage) {
    ST_ASSIGN_OR_RETURN(const std::vector<TableShape> tables, SchemaShapes());
    ST_ASSIGN_OR_RETURN(WriteTxn txn, WriteTxn::Begin(db));
    Taker taker(db);
    int64_t rows = 0;
    ST_RETURN_IF_ERROR(salvage.Run([&](const TableShape& table, std::vector<AnyValue>& row) {
      if (++rows % kRowsPerCheck == 0 && options_.cancel != nullptr) {
        ST_RETURN_IF_ERROR(options_.cancel->Check());
      }
      return taker.Take(table, row);
    }));
    ST_ASSIGN_OR_RETURN(MendReport mended, Mend(db, tables, now_));
    report_.damaged = salvage.damaged();
    report_.lost_frames = salvage.lost_frames();
    report_.reread = report_.lost_frames > 0 || mended.contradictions > 0;
    for (const SalvagedTable& table : salvage.tables()) {
      if (IsDerived(table.name)) continue;
      ST_ASSIGN_OR_RETURN(RebuiltTable rebuilt, Account(db, table, taker, mended));
      report_.reread |= rebuilt.rejected > 0 || rebuilt.unreadable > 0 || rebuilt.lost_pages > 0 ||
                        rebuilt.missing.value_or(0) > 0 || rebuilt.made > 0;
      report_.tables.push_back(std::move(rebuilt));
    }
    ST_RETURN_IF_ERROR(KeepForgotten(db));
    if (report_.reread) ST_RETURN_IF_ERROR(ForgetAllReading(db));
    return txn.Commit();
  }

  // The rules of what shall not be kept, or some of them, may be among what was
  // lost. Reading the transcripts again would bring the words back.
  Status KeepForgotten(Db& db) {
    const auto lossy = [this](std::string_view name) {
      return std::any_of(report_.tables.begin(), report_.tables.end(), [&](const RebuiltTable& t) {
        return t.name == name && (t.lost_pages > 0 || t.unreadable > 0 || t.rejected > 0);
      });
    };
    const bool rules = lossy("forgotten") || report_.lost_frames > 0;
    if (!rules) return absl::OkStatus();
    ST_ASSIGN_OR_RETURN(const int64_t kept, KeepErasedSessions(db, now_));
    if (kept == 0 && !lossy("body") && !lossy("prompt")) return absl::OkStatus();
    report_.forgotten_lost = true;
    report_.reread = false;
    return absl::OkStatus();
  }

  static StatusOr<RebuiltTable> Account(Db& db, const SalvagedTable& table, const Taker& taker,
                                        MendReport& mended) {
    RebuiltTable out{.name = table.name};
    ST_ASSIGN_OR_RETURN(
        out.rows, internal::CountOf(db, "SELECT count(*) FROM " + Quoted(table.name), "counting"));
    out.adopted = table.adopted;
    out.made = mended.made[table.name];
    out.rejected = taker.rejected(table.name) + mended.dropped[table.name];
    out.unreadable = table.unreadable;
    out.lost_pages = table.lost_pages;
    if (table.indexed.has_value()) {
      const int64_t read = table.rows - taker.repeated(table.name);
      out.missing = std::max<int64_t>(0, *table.indexed - read);
    }
    return out;
  }

  const std::string& store_path_;
  const RebuildOptions& options_;
  UtcMillis now_;
  std::string fresh_;
  RebuildReport report_;
};

}  // namespace

StatusOr<RebuildReport> RebuildStore(const std::string& store_path, const RebuildOptions& options,
                                     UtcMillis now) {
  const std::string path = ResolveStore(store_path);
  const auto log = base::Stat(path + "-wal");
  if (!base::Exists(path) && (!log.ok() || log->size == 0)) {
    return WithSuggestion(
        Fail(kStoreMissing, "recovering the store: there is no file {}", store_path),
        "read the transcripts of this machine first", "selftune sync");
  }
  return Rebuild(path, options, now).Run();
}

StatusOr<std::map<std::string, int64_t>> CountTables(Db& db) {
  std::map<std::string, int64_t> out;
  for (const std::string& table : SchemaTables()) {
    ST_ASSIGN_OR_RETURN(out[table], internal::CountOf(db, "SELECT count(*) FROM " + Quoted(table),
                                                      "counting " + table + " of"));
  }
  return out;
}

}  // namespace selftune::store
