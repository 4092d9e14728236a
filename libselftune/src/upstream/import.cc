#include "upstream/import.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "store/backup.h"
#include "store/import_rows.h"
#include "store/loose_db.h"
#include "sync/sync_lock.h"
#include "upstream/engine.h"
#include "upstream/eval_sets.h"
#include "upstream/history.h"
#include "upstream/logs.h"
#include "upstream/news.h"
#include "upstream/replace_store.h"
#include "upstream/sessions.h"
#include "upstream/source_copy.h"
#include "upstream/work_dir.h"

namespace selftune::upstream {
namespace {

using store::Db;
using store::LooseDb;

constexpr int64_t kShownRows = 50;                          // of each kind
constexpr int kMaxPasses = 5;                               // over a database that grows meanwhile
constexpr std::string_view kReading = "reading a table: ";  // of a LooseQuery
constexpr const char* kMarkSql = "PRAGMA application_id";

bool IsKnownTable(std::string_view name) {
  return std::ranges::find(kSessionTables, name) != std::end(kSessionTables) ||
         std::ranges::find(kHistoryTables, name) != std::end(kHistoryTables) || name == "_meta" ||
         name == "grading_results";
}

// Which database it is, wherever it is moved to.
StatusOr<std::string> OriginOf(const std::string& path, LooseDb& db,
                               const std::string& store_path) {
  std::string first;
  ST_ASSIGN_OR_RETURN(const std::vector<store::LooseTable> tables, db.Tables());
  for (const store::LooseTable& table : tables) {
    const bool has_id = std::ranges::find(table.columns, "session_id") != table.columns.end();
    if (table.name != "sessions" || !has_id) continue;
    ST_ASSIGN_OR_RETURN(store::LooseQuery query,
                        db.Query("SELECT session_id FROM sessions ORDER BY rowid LIMIT 1"));
    ST_ASSIGN_OR_RETURN(const bool found, query.Next());
    if (found) first = query.Row().value(0).AsText();
  }
  std::string place = base::RealPath(path).value_or(path);
  const std::string own = base::RealPath(store_path).value_or(store_path);
  if (place.starts_with(own + ".reference")) place = own;
  return base::Hex(base::FieldHash("reference").Add(place).Add(first).Key16());
}

class Import {
 public:
  Import(const ImportWorld& world, const ImportOptions& options)
      : world_(world), options_(options) {}

  StatusOr<ImportReport> Run() {
    // Nobody reads sources into the store meanwhile, and no second import runs.
    std::optional<base::LockFile> lock;
    if (!options_.dry_run && base::Exists(world_.store_path)) {
      ST_ASSIGN_OR_RETURN(lock, sync::LockSync(world_.store_path, world_.now, world_.cancel));
      ST_RETURN_IF_ERROR(UndoUnfinished(world_.store_path));
    }
    ST_RETURN_IF_ERROR(Find());
    if (!options_.dry_run && !lock.has_value()) {
      ST_ASSIGN_OR_RETURN(lock, sync::LockSync(world_.store_path, world_.now, world_.cancel));
    }
    report_.leftovers = FindLeftovers(*world_.env, world_.state_dir);
    if (options_.dry_run) {
      ST_RETURN_IF_ERROR(DryRun());
    } else {
      ST_RETURN_IF_ERROR(RealRun());
    }
    for (const TableCount& table : report_.tables) report_.reconciled &= table.reconciled();
    return std::move(report_);
  }

 private:
  // ---- what there is

  static Status NotThere(const std::string& path) {
    return WithSuggestion(Fail(kFileNotFound, "importing from {}: it is not there", path),
                          "say where the database and the logs of the reference are",
                          "selftune help import upstream");
  }

  Status Find() {
    if (!options_.db.empty()) {
      if (!base::Exists(options_.db)) return NotThere(options_.db);
      ST_ASSIGN_OR_RETURN(const bool foreign, IsForeignDatabase(options_.db));
      if (!foreign) {
        return WithSuggestion(
            Fail(kStoreForeign, "{} is no database of the reference", options_.db),
            "name its selftune.db", "selftune help import upstream");
      }
      report_.databases = {options_.db};
    } else if (options_.logs.empty()) {
      report_.databases = FindDatabases(*world_.env, world_.store_path);
    }
    if (!options_.logs.empty()) {
      logs_dir_ = options_.logs;
      const auto info = base::Stat(logs_dir_);
      if (!info.ok() || !info->is_dir()) return NotThere(logs_dir_);
    } else if (options_.db.empty()) {
      const std::string home = base::JoinPath(world_.env->Home(), ".claude");
      logs_dir_ = world_.env->Get("SELFTUNE_LOG_DIR")
                      .value_or(world_.env->Get("SELFTUNE_CLAUDE_DIR").value_or(home));
    }
    if (!logs_dir_.empty()) logs_ = FindLogs(logs_dir_);
    for (const LogFile& log : logs_) report_.logs.push_back(log.path);
    const auto own = base::RealPath(world_.store_path);
    for (const std::string& path : report_.databases) {
      const auto real = base::RealPath(path);
      replaces_ = replaces_ || (own.ok() && real.ok() && *own == *real);
    }
    if (!report_.databases.empty() || !logs_.empty()) return absl::OkStatus();
    return WithSuggestion(
        Fail(kNotFound, "found neither a database of the reference nor one of its logs"),
        "say where they are", "selftune help import upstream");
  }

  // ---- where it goes

  Status DryRun() {
    const std::string parent = world_.env->GetOr("TMPDIR", "/tmp");
    ST_ASSIGN_OR_RETURN(const WorkDir work, WorkDir::MakeTemporary(parent));
    const std::string target = work / "selftune.db";
    const auto foreign = IsForeignDatabase(world_.store_path);
    if (foreign.ok() && !*foreign) {
      ST_RETURN_IF_ERROR(CopyDatabase(world_.store_path, target, world_.cancel).status());
    }
    ST_RETURN_IF_ERROR(Copy(work));
    ST_ASSIGN_OR_RETURN(const std::unique_ptr<Db> db, OpenStore(target));
    ST_RETURN_IF_ERROR(All(*db, work));
    report_.changed = false;
    return absl::OkStatus();
  }

  StatusOr<std::unique_ptr<Db>> OpenStore(const std::string& path) const {
    store::OpenOptions options;
    options.mode = store::OpenMode::kCreate;
    options.bulk = true;
    options.cancel = world_.cancel;
    return Db::Open(path, options);
  }

  Status RealRun() {
    const std::string target = replaces_ ? ImportingPath(world_.store_path) : world_.store_path;
    backup_ = !replaces_ && base::Exists(target);
    const std::string folder(base::DirName(world_.store_path));
    ST_RETURN_IF_ERROR(WorkDir::RemoveOld(folder));
    ST_ASSIGN_OR_RETURN(const WorkDir work, WorkDir::Make(folder));
    // Before a store is made: what is no database makes none.
    ST_RETURN_IF_ERROR(Copy(work));
    ST_ASSIGN_OR_RETURN(std::unique_ptr<Db> db, OpenStore(target));
    for (int pass = 0; pass < kMaxPasses; ++pass) {
      report_.tables.clear();
      report_.rejected = report_.partly = report_.unused = {};
      if (pass > 0) ST_RETURN_IF_ERROR(Copy(work));
      const std::string stamps = stamps_;
      ST_RETURN_IF_ERROR(All(*db, work));
      if (!replaces_) {
        if (report_.changed) ST_RETURN_IF_ERROR(db->Checkpoint(/*truncate=*/true));
        return absl::OkStatus();
      }
      ST_ASSIGN_OR_RETURN(const std::string now, Stamps());
      if (now == stamps) return Replace(std::move(db));
    }
    return WithSuggestion(
        Fail(kStoreBusy, "importing {}: its program writes to it all the time", world_.store_path),
        "end the reference's programs and try again", "selftune import upstream");
  }

  StatusOr<std::string> Stamps() const {
    std::string out;
    for (const std::string& path : report_.databases) {
      ST_ASSIGN_OR_RETURN(const SourceStamp stamp, StampOf(path));
      out += stamp.text + ";";
    }
    return out;
  }

  // The store is whole: it gets the place, unless some row is not accounted for.
  Status Replace(std::unique_ptr<Db> db) {
    for (const TableCount& table : report_.tables) {
      if (!table.reconciled()) return absl::OkStatus();
    }
    if (IsOpenElsewhere(world_.store_path)) {
      return WithSuggestion(
          Fail(kStoreBusy, "importing {}: a program of the reference has it open",
               world_.store_path),
          "end it (its dashboard, its timers), then the same command goes on here",
          "selftune import upstream");
    }
    ST_RETURN_IF_ERROR(db->Checkpoint(/*truncate=*/true));
    db.reset();
    const std::string made = ImportingPath(world_.store_path);
    const auto log = base::Stat(made + "-wal");
    if (log.ok() && log->size > 0) {
      return Fail(kStoreBusy, "putting {} in its place: somebody reads it", made);
    }
    for (const std::string_view part : {"-wal", "-shm"}) {
      ST_RETURN_IF_ERROR(base::RemoveFile(made + std::string(part)));
    }
    ST_ASSIGN_OR_RETURN(report_.moved_aside, ReplaceStore(world_.store_path));
    report_.changed = true;
    return absl::OkStatus();
  }

  // ---- what is done with it

  static std::string CopyName(size_t i) { return fmt::format("copy-{}.db", i); }

  // Copies of all databases, opened.
  Status Copy(const WorkDir& work) {
    copies_.clear();
    stamps_.clear();
    for (const std::string& path : report_.databases) {
      const std::string copy = work / CopyName(copies_.size());
      ST_ASSIGN_OR_RETURN(const SourceStamp stamp, CopyDatabase(path, copy, world_.cancel));
      stamps_ += stamp.text + ";";
      auto source = LooseDb::Open(copy);
      if (!source.ok()) return OfSource(path, copy, source.status());
      ST_RETURN_IF_ERROR(OfSource(path, copy, Check(path, **source)));
      copies_.push_back(*std::move(source));
    }
    return absl::OkStatus();
  }

  // A failure of a database that is not ours, which we know under another name.
  static Status OfSource(const std::string& path, const std::string& copy, const Status& status) {
    const std::string_view code = status.ok() ? "" : CodeOf(status).name;
    const std::string message(Message(status));
    const size_t at = message.find(copy);
    if (code != kStoreCorrupt.name || (at == message.npos && !message.starts_with(kReading))) {
      return status;
    }
    const size_t why = at == message.npos ? kReading.size() : at + copy.size() + 2;
    return Damaged(path, message.substr(std::min(why, message.size())));
  }

  static Status Damaged(const std::string& path, std::string_view why) {
    return WithSuggestion(Fail(kStoreCorrupt, "reading {}: {}", path, why),
                          "nothing was imported; name a copy of it that is whole",
                          "selftune help import upstream");
  }

  static Status Check(const std::string& path, LooseDb& source) {
    ST_ASSIGN_OR_RETURN(const std::string pages, source.QuickCheck());
    if (pages != "ok") return Damaged(path, pages);
    ST_ASSIGN_OR_RETURN(const int64_t mark, source.Int(kMarkSql));
    ST_ASSIGN_OR_RETURN(const std::vector<store::LooseTable> tables, source.Tables());
    const bool theirs =
        std::ranges::any_of(tables, [](const auto& table) { return IsKnownTable(table.name); });
    if (mark != store::kApplicationId && theirs) return absl::OkStatus();
    return WithSuggestion(Fail(kStoreForeign, "{} has none of the tables of the reference", path),
                          "name its selftune.db", "selftune help import upstream");
  }

  Status All(Db& db, const WorkDir& work) {
    ST_RETURN_IF_ERROR(store::ImportLedger::Prepare(db));
    origins_.clear();
    for (size_t i = 0; i < copies_.size(); ++i) {
      const std::string& path = report_.databases[i];
      const std::string copy = work / CopyName(i);
      ST_RETURN_IF_ERROR(OfSource(path, copy, One(db, path, *copies_[i])));
    }
    if (!logs_.empty()) ST_RETURN_IF_ERROR(Logs(db, work / "logs.db"));
    return TellAll(db);
  }

  EngineOptions OptionsFor(std::string_view what) const {
    EngineOptions options{.now = world_.now, .cancel = world_.cancel};
    if (world_.progress) {
      options.progress = [this, text = std::string(what)](int64_t done, int64_t total) {
        world_.progress(text, done, total);
      };
    }
    return options;
  }

  Status One(Db& db, const std::string& path, LooseDb& source) {
    ST_ASSIGN_OR_RETURN(const std::string origin, OriginOf(path, source, world_.store_path));
    Engine engine(db, source, origin, OptionsFor(path));
    ST_RETURN_IF_ERROR(engine.Load());
    ST_RETURN_IF_ERROR(Fill(db, engine));
    return Reconcile(engine, {});
  }

  Status Logs(Db& db, const std::string& scratch) {
    ST_RETURN_IF_ERROR(base::RemoveFile(scratch));
    ST_ASSIGN_OR_RETURN(const std::unique_ptr<LooseDb> source, LooseDb::Open(scratch));
    const std::string place = base::RealPath(logs_dir_).value_or(logs_dir_);
    Engine engine(db, *source, base::Hex(base::FieldHash("logs").Add(place).Key16()),
                  OptionsFor(logs_dir_));
    ST_ASSIGN_OR_RETURN(const std::vector<LogCounts> counts,
                        ReadLogs(engine, *source, logs_, world_.cancel));
    ST_RETURN_IF_ERROR(engine.Load());
    ST_RETURN_IF_ERROR(Fill(db, engine));
    return Reconcile(engine, counts);
  }

  Status Fill(const Db& db, Engine& engine) {
    ST_RETURN_IF_ERROR(Write(db, engine));
    report_.changed |= engine.written() > 0;
    origins_.push_back(engine.ledger().origin());
    return absl::OkStatus();
  }

  // When all sources are through: one may say of a row of another that it is not in use.
  Status TellAll(Db& db) {
    for (const std::string& origin : origins_) {
      ST_RETURN_IF_ERROR(Add(report_.rejected, [&](int64_t limit) {
        return store::RejectedImports(db, origin, limit);
      }));
      ST_RETURN_IF_ERROR(Add(report_.partly, [&](int64_t limit) {
        return store::NewsOfImport(db, origin, store::ImportNews::kPartly, limit);
      }));
      ST_RETURN_IF_ERROR(Add(report_.unused, [&](int64_t limit) {
        return store::NewsOfImport(db, origin, store::ImportNews::kUnused, limit);
      }));
    }
    // Of sources that are not read now this is said once here, and by each import of theirs.
    for (const store::ImportRowKey& row : behind_) {
      if (std::ranges::find(origins_, row.origin) != origins_.end()) continue;
      store::ImportLedger ledger(db, row.origin);
      ST_ASSIGN_OR_RETURN(const auto known, ledger.Find(row.table, row.id));
      ++report_.unused.count;
      if (!known.has_value() || std::ssize(report_.unused.first) >= kShownRows) continue;
      report_.unused.first.push_back({row.table, row.id, WhyOf(known->reason).standing});
    }
    return absl::OkStatus();
  }

  // Of one source behind those of the others: `read` gives the first rows, so many.
  template <typename Read>
  static Status Add(store::ImportRows& all, const Read& read) {
    ST_ASSIGN_OR_RETURN(const store::ImportRows more, read(kShownRows - std::ssize(all.first)));
    all.first.insert(all.first.end(), more.first.begin(), more.first.end());
    all.count += more.count;
    return absl::OkStatus();
  }

  Status Write(const Db& db, Engine& engine) {
    if (backup_) {
      ST_ASSIGN_OR_RETURN(const bool anything, AnythingNew(engine));
      if (!anything) return absl::OkStatus();
      ST_ASSIGN_OR_RETURN(const store::BackupReport made,
                          store::CreateBackup(db.path(), world_.now, world_.cancel));
      report_.backup_id = made.backup.id;
      report_.backup_path = made.backup.path;
      backup_ = false;
    }
    ST_RETURN_IF_ERROR(ImportSessions(engine));
    ST_RETURN_IF_ERROR(ImportHistory(engine));
    ST_ASSIGN_OR_RETURN(const std::vector<store::ImportRowKey> behind, ImportEvalSets(engine));
    behind_.insert(behind_.end(), behind.begin(), behind.end());
    return KeepOthers(engine);
  }

  static StatusOr<bool> AnythingNew(Engine& engine) {
    bool anything = false;
    for (const auto& [name, table] : engine.tables()) {
      ST_RETURN_IF_ERROR(engine.ForEach(name, "", [&](const SourceRow& row) {
        anything = anything || !row.Unchanged();
        return absl::OkStatus();
      }));
      if (anything) break;
    }
    return anything;
  }

  // Asks for each row of the source what became of it, and sees which are there no more.
  Status Reconcile(Engine& engine, const std::vector<LogCounts>& logs) {
    engine.LeaveOutDigests();
    ST_ASSIGN_OR_RETURN(News news, News::Open(engine.ledger()));
    std::map<std::string, TableCount> counts;
    for (const LogCounts& log : logs) {
      TableCount& count = counts["log:" + log.name];
      count.source = log.records + log.bad_lines;
      count.rejected = log.bad_lines;
    }
    for (const auto& [name, table] : engine.tables()) {
      if (logs.empty()) {
        ST_ASSIGN_OR_RETURN(counts[name].source,
                            engine.source().Int("SELECT count(*) FROM " + store::QuoteName(name)));
      }
      ST_RETURN_IF_ERROR(engine.ForEach(name, "", [&](const SourceRow& row) -> Status {
        TableCount& count = counts[row.table];
        news.See(row);
        if (!row.known.has_value()) {
          if (count.forgotten.empty()) count.forgotten = row.id;
          return absl::OkStatus();
        }
        switch (row.known->verdict) {
          case ImportVerdict::kImported:
            ++count.imported;
            break;
          case ImportVerdict::kMerged:
            ++count.merged;
            break;
          case ImportVerdict::kKept:
            ++count.kept;
            break;
          case ImportVerdict::kRejected:
            ++count.rejected;
            break;
        }
        return engine.CheckCancel();
      }));
    }
    for (auto& [name, count] : counts) {
      count.name = name;
      report_.tables.push_back(std::move(count));
    }
    ST_ASSIGN_OR_RETURN(const bool settled, news.Settle(engine));
    report_.changed |= settled;
    return absl::OkStatus();
  }

  const ImportWorld& world_;
  const ImportOptions& options_;
  std::string logs_dir_;
  std::vector<LogFile> logs_;
  std::vector<std::unique_ptr<LooseDb>> copies_;  // of report_.databases
  std::string stamps_;                            // of those, when they were copied
  std::vector<std::string> origins_;              // of the sources that are through
  std::vector<store::ImportRowKey> behind_;       // rows behind newer ones of other sources
  bool replaces_ = false;  // the reference's database lies where our store belongs
  bool backup_ = false;    // one is to be made before the first change
  ImportReport report_;
};

}  // namespace

StatusOr<ImportReport> ImportUpstream(const ImportWorld& world, const ImportOptions& options) {
  return Import(world, options).Run();
}

}  // namespace selftune::upstream
