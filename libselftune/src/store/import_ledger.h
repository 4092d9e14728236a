// What became of each row that was taken over from the reference: table
// import_map. Written with the rows it tells of, so that an import that was cut
// off goes on where it was and a second one changes nothing.
#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/db.h"

namespace selftune::store {

enum class ImportVerdict : uint8_t {
  kImported,  // it is a row of ours now
  kMerged,    // a row of ours says the same already, or better
  kKept,      // there is no place for it yet: all of it is in the map
  kRejected,  // it breaks a rule of ours; all of it and the reason are in the map
};
inline constexpr size_t kImportVerdicts = 4;
[[nodiscard]] std::string_view Word(ImportVerdict verdict);

struct ImportRecord {
  std::string_view table, id;  // of the row as it was there
  ImportVerdict verdict = ImportVerdict::kImported;
  int64_t dst = 0;          // our row; 0 = none, or more than one
  std::string_view digest;  // 16 bytes of the row as it was there
  std::string_view reason;  // of a rejection, or why a part was not taken; "" = none
  std::string_view note;    // JSON, "" = none
};

// What a person is to be told of a row that was taken over.
enum class ImportNews : uint8_t {
  kPartly,  // not all of it, or not as it was
  kUnused,  // all of it, and it is not in use
};

struct KnownImport {
  ImportVerdict verdict = ImportVerdict::kImported;
  int64_t dst = 0;
  std::string digest, reason;
};

class ImportLedger {
 public:
  // `origin`: which database it is, 32 hex characters.
  ImportLedger(Db& db, std::string origin) : db_(db), origin_(std::move(origin)) {}

  // Makes the table in a store of before it was there. Not in a transaction.
  [[nodiscard]] static Status Prepare(Db& db);
  [[nodiscard]] StatusOr<std::optional<KnownImport>> Find(std::string_view table,
                                                          std::string_view id);
  // Inside a WriteTxn; replaces what was said of the row before.
  [[nodiscard]] Status Put(const ImportRecord& record);
  // The same: what was to be told of the row before is no more true; and what is so now.
  [[nodiscard]] Status NothingToTell(std::string_view table, std::string_view id);
  [[nodiscard]] Status ToTell(std::string_view table, std::string_view id, ImportNews news,
                              std::string_view reason);

  // Rows of which something is to be told: table and id.
  [[nodiscard]] StatusOr<std::set<std::pair<std::string, std::string>>> Told();
  // Inside a WriteTxn: the reason of a row that is here is this one from now on.
  [[nodiscard]] Status Reword(std::string_view table, std::string_view id, std::string_view reason);

  [[nodiscard]] const std::string& origin() const { return origin_; }
  [[nodiscard]] Db& db() { return db_; }

 private:
  Db& db_;
  const std::string origin_;
};

// A row of the ledger.
struct ImportRowKey {
  std::string origin, table, id;
};
// Of a query for these three columns.
[[nodiscard]] StatusOr<std::vector<ImportRowKey>> ReadImportRowKeys(StatusOr<Cursor> rows);
// Rows of `table`, of whatever origin, that were taken over into our row `dst`, and of which
// it is not told that they are not in use.
[[nodiscard]] StatusOr<std::vector<ImportRowKey>> ImportsInUse(Db& db, std::string_view table,
                                                               int64_t dst);
// What was kept of it goes. Inside a WriteTxn.
[[nodiscard]] Status EraseImportNote(Db& db, const ImportRowKey& row);

// The first of some rows, in order of their tables, and how many there are.
struct ImportRows {
  struct Row {
    std::string table, id, reason;
  };
  std::vector<Row> first;
  int64_t count = 0;
  [[nodiscard]] int64_t more() const { return count - std::ssize(first); }
};
// Rejected rows of an origin; `limit`: how many are named.
[[nodiscard]] StatusOr<ImportRows> RejectedImports(Db& db, std::string_view origin, int64_t limit);

// What is to be told of rows that were taken over, as long as it is so: nobody knows
// whether what an import said was read by anyone.
[[nodiscard]] StatusOr<ImportRows> NewsOfImport(Db& db, std::string_view origin, ImportNews news,
                                                int64_t limit);

}  // namespace selftune::store
