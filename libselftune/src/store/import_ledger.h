// What became of each row that was taken over from the reference: table
// import_map. Written with the rows it tells of, so that an import that was cut
// off goes on where it was and a second one changes nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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
// What was kept of it goes. Inside a WriteTxn.
[[nodiscard]] Status EraseImportNote(Db& db, const ImportRowKey& row);

// Rejected rows of an origin, in order of their tables: at most `limit`.
struct RejectedImport {
  std::string table, id, reason;
};
[[nodiscard]] StatusOr<std::vector<RejectedImport>> RejectedImports(Db& db, std::string_view origin,
                                                                    int64_t limit);

}  // namespace selftune::store
