// What readers of SQLite stores share: which sessions changed since the last
// read, reading again what the host wrote over meanwhile, counting, bad rows.
//
// New rows are found by their number, so growth costs what grew. Rows that
// changed in place are found by the session's own time of change and, in the
// sessions that were read or changed last, by a sum over their rows. A store that was put
// together anew (other rows under the numbers of all that were newest) is read
// from the start.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json_object.h"
#include "hosts/common/foreign_db.h"
#include "ingest/facts.h"
#include "ingest/store_reader.h"

namespace selftune::hosts {

// A table with a row number. Names of columns; literals.
struct StoreTable {
  std::string_view name;
  std::string_view key;      // unique text
  std::string_view session;  // id of its session
  std::string_view changed;  // time of the last change, "" = rows never change
};

struct StoreSchema {
  std::string version;  // as the host calls it, "" = it does not
  std::string missing;  // tables and columns without which nothing is understood
};

// A host derives from it and reads one session at a time.
class ForeignStore : public ingest::StoreReader {
 public:
  explicit ForeignStore(const ingest::StoreOptions& options) : options_(options) {}

  [[nodiscard]] Status Read(ingest::StoreFlushFn flush) final;
  [[nodiscard]] std::string SaveState() const final;

 protected:
  // Everything that may be read.
  [[nodiscard]] virtual std::span<const std::string_view> Tables() const = 0;
  [[nodiscard]] virtual StoreSchema Schema(ForeignDb& db) = 0;
  // One row a session; its key is the id.
  [[nodiscard]] virtual StoreTable Sessions() const = 0;
  // Integer column of that table in whose order sessions are read.
  [[nodiscard]] virtual std::string_view SessionOrder() const = 0;
  // Tables to which rows of sessions are added.
  [[nodiscard]] virtual std::span<const StoreTable> Growing() const = 0;
  // Adds all facts of one session to batch(), the first with `whole`, the last with
  // `finished`; calls FlushIfFull() where a batch may end.
  [[nodiscard]] virtual Status ReadSession(ForeignDb& db, const std::string& id) = 0;

  [[nodiscard]] const ingest::StoreOptions& options() const { return options_; }
  [[nodiscard]] ingest::Batch& batch() { return batch_; }
  [[nodiscard]] base::LineParser& parser() { return parser_; }
  // A copy of `text` that the parser may read; valid until the next call.
  [[nodiscard]] std::string_view Padded(std::string_view text);
  // Is a row of the session at hand looked at for the first time? `table`: index in Growing().
  [[nodiscard]] bool IsNew(size_t table, int64_t row) const { return row > counted_[table]; }
  void CountRow(bool understood, bool is_new);
  // `record`: table and key.
  void AddBadRow(const std::string& record, std::string_view text, std::string_view reason = {});
  [[nodiscard]] Status FlushIfFull();

 private:
  struct Mark {
    int64_t row = 0;
    std::string key;  // of that row
  };
  struct State {
    std::vector<std::vector<Mark>> marks;  // newest rows of each table of Growing(), newest first
    int64_t changed = 0;                   // newest change of a session
    std::vector<std::pair<std::string, std::string>> recent;    // id, sum over its rows
    std::optional<std::pair<int64_t, std::string>> first_pass;  // sessions up to here are read
    std::map<std::string, std::vector<uint64_t>> bad;           // bad rows by session
  };
  struct Todo {
    std::string id;
    int64_t order = 0;
    bool first = false;  // of the first pass over the store
  };

  [[nodiscard]] Status ReadOnce();
  [[nodiscard]] Status ReadChanged(ForeignDb& db);
  [[nodiscard]] Status ReadOne(ForeignDb& db, const Todo& todo);
  [[nodiscard]] Status SayUnknown(ForeignDb& db, const StoreSchema& schema);
  [[nodiscard]] Status Flush();
  [[nodiscard]] std::optional<State> LoadState(std::string_view json) const;
  [[nodiscard]] StatusOr<bool> Fits(ForeignDb& db);
  [[nodiscard]] int64_t Known(size_t table) const;
  [[nodiscard]] StatusOr<State> LookAt(ForeignDb& db) const;
  [[nodiscard]] Status Watch(ForeignDb& db, const std::vector<Todo>& todo, State& now) const;
  [[nodiscard]] StatusOr<std::string> SumOf(ForeignDb& db, const std::string& session) const;
  [[nodiscard]] StatusOr<std::vector<Todo>> FindChanged(ForeignDb& db) const;

  const ingest::StoreOptions options_;
  ingest::StoreFlushFn* flush_ = nullptr;
  ForeignDb* db_ = nullptr;
  std::optional<State> state_;    // empty: nothing is known
  std::optional<State> flushed_;  // as of the last flush, where a retry goes on
  std::string kept_state_;        // of a read of one session
  ingest::Batch batch_;
  base::LineParser parser_;
  std::string padded_;
  std::vector<int64_t> counted_;
  std::string session_;
};

}  // namespace selftune::hosts
