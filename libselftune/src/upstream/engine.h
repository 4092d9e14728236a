// What all parts of an import share: the rows as they are there, the store they
// go to, and the ledger of what became of each.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/time.h"
#include "store/db.h"
#include "store/import_ledger.h"
#include "store/ingest_writer.h"
#include "store/loose_db.h"
#include "store/write_txn.h"

namespace selftune::upstream {

using store::ImportVerdict;

struct SourceTable;

// A row of the reference without its values, which may be many megabytes: where it is, and
// what became of it.
struct RowAt {
  const SourceTable* from = nullptr;
  int64_t number = 0;                  // in its table, 0 = it has none
  std::vector<store::LooseValue> key;  // of one that has none
  std::string digest;
  std::optional<store::KnownImport> known;  // from an earlier import

  // As it was, and done with: what an earlier import only kept, for want of a place, is not.
  [[nodiscard]] bool Unchanged() const;
  // There under this name before, and another one now.
  [[nodiscard]] bool Changed() const { return known.has_value() && known->digest != digest; }
  // Our row from an earlier import; 0 = none.
  [[nodiscard]] int64_t dst() const { return known.has_value() ? known->dst : 0; }
};

// With them.
struct SourceRow : RowAt {
  std::string table;  // of the ledger: its table, or "log:" and the file
  std::string id;
  store::LooseRow row;

  [[nodiscard]] const RowAt& at() const { return *this; }
};

// What became of a row.
struct Fate {
  ImportVerdict verdict = ImportVerdict::kImported;
  int64_t dst = 0;
  std::string reason = {};                         // of a rejection, or of a part not taken
  std::string standing = {};                       // why what was taken is not in use
  std::span<const std::string_view> carried = {};  // columns that our row holds
  std::vector<std::string_view> spoiled = {};      // of those: not as they were
  bool whole = false;                              // keep all of it
  bool forgotten = false;                          // keep none of it: those words are forgotten
};

// One table, as rows are asked of it.
struct SourceTable {
  std::string name;
  store::LooseTable shape;
  [[nodiscard]] bool Has(std::string_view column) const;
  // Are its rows read, not only kept?
  [[nodiscard]] bool HasPlace() const;
};

struct EngineOptions {
  UtcMillis now;
  const base::Cancel* cancel = nullptr;
  std::function<void(int64_t done, int64_t total)> progress;
};

class Engine {
 public:
  Engine(store::Db& db, store::LooseDb& source, std::string origin, EngineOptions options);

  // Looks at the tables and makes them quick to ask by session.
  [[nodiscard]] Status Load();
  [[nodiscard]] const std::map<std::string, SourceTable, std::less<>>& tables() const {
    return tables_;
  }
  [[nodiscard]] const SourceTable* Table(std::string_view name) const;

  // Rows where `column` is `value`, as they were added. A table or column that is not
  // there has none.
  [[nodiscard]] StatusOr<std::vector<SourceRow>> RowsWhere(std::string_view table,
                                                           std::string_view column,
                                                           const store::LooseValue& value);
  // The same, one after the other; `each` asks for no others of that table and column.
  [[nodiscard]] Status EachWhere(std::string_view table, std::string_view column,
                                 const store::LooseValue& value,
                                 const std::function<Status(SourceRow row)>& each);
  // The row with its values.
  [[nodiscard]] StatusOr<SourceRow> Load(const RowAt& at);
  // All rows that fit `where` ("" = all), one after the other.
  [[nodiscard]] Status ForEach(std::string_view table, std::string_view where,
                               const std::function<Status(SourceRow row)>& each);

  // Rows are read without their digests from now on: only what became of them is asked.
  void LeaveOutDigests() { digests_ = false; }

  // ---- writing
  // Begins a transaction when there is none.
  [[nodiscard]] Status Begin();
  // Ends it; `force`: now, else only when it holds enough.
  [[nodiscard]] Status Commit(bool force);
  // Takes back what was not committed.
  void Rollback();
  [[nodiscard]] Status Record(const SourceRow& row, const Fate& fate);
  // Rows recorded from now on tell of it; 0 = of none that is known.
  void TellOf(store::SessionPk session) { told_of_ = session; }
  [[nodiscard]] Status Reject(const SourceRow& row, std::string reason);
  // A row without a place: all of it goes to the ledger.
  [[nodiscard]] Status Keep(SourceRow row);
  [[nodiscard]] Status CheckCancel() const;

  store::Db& db() { return db_; }
  store::LooseDb& source() { return source_; }
  store::IngestWriter& writer() { return *writer_; }
  store::ImportLedger& ledger() { return ledger_; }
  [[nodiscard]] UtcMillis now() const { return options_.now; }
  [[nodiscard]] int64_t written() const { return written_; }  // rows of the ledger, committed
  void Progress(int64_t done, int64_t total) const;

 private:
  [[nodiscard]] StatusOr<SourceRow> Read(const SourceTable& table, store::LooseRow row);
  // A statement that is asked often.
  [[nodiscard]] StatusOr<store::LooseQuery*> Prepared(const std::string& sql);
  [[nodiscard]] Status Tell(const SourceRow& row, ImportVerdict verdict, const Fate& fate);
  [[nodiscard]] Status Put(const SourceRow& row, ImportVerdict verdict, const Fate& fate,
                           std::string_view note);
  // Are words in it that are not to be kept?
  [[nodiscard]] StatusOr<bool> IsForgotten(const SourceRow& row);

  store::Db& db_;
  store::LooseDb& source_;
  store::ImportLedger ledger_;
  EngineOptions options_;
  std::unique_ptr<store::IngestWriter> writer_;
  std::map<std::string, SourceTable, std::less<>> tables_;
  std::map<std::string, store::LooseQuery, std::less<>> queries_;
  std::optional<store::WriteTxn> txn_;
  store::SessionPk told_of_;
  int64_t in_txn_ = 0, written_ = 0;
  bool digests_ = true;
  std::chrono::steady_clock::time_point begun_;
};

// Tables whose rows belong to a session.
inline constexpr std::string_view kSessionTables[] = {
    "sessions",          "prompts", "skill_invocations",   "skill_usage",    "execution_facts",
    "session_telemetry", "queries", "improvement_signals", "commit_tracking"};
// Tables about skills and runs, with a place in our store.
inline constexpr std::string_view kHistoryTables[] = {
    "evolution_audit",  "evolution_evidence", "replay_entry_results",
    "orchestrate_runs", "cron_runs",          "canonical_eval_sets"};

}  // namespace selftune::upstream
