// Rows that quote what a person said: of the audit, of proposals and replays, and what an
// import kept of rows that it could not place.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "store/db.h"
#include "store/quotes.h"

namespace selftune::store {

struct ErasedQuotes {
  int64_t audit_steps = 0;
  int64_t rows = 0;  // of proposals and replays
};
// Inside a WriteTxn.
[[nodiscard]] StatusOr<ErasedQuotes> EraseQuotes(Db& db, const Quotes& quotes);

// Does the store know what an import did? One of the first builds has no such table.
[[nodiscard]] StatusOr<bool> HasImportNotes(Db& db);

// Notes of an import: found by the session that they name, or by words.
class ForgetNotes {
 public:
  explicit ForgetNotes(Db& db) : db_(db) {}

  // Makes what the others need. In no transaction.
  [[nodiscard]] Status Prepare();
  // The others inside a WriteTxn.
  [[nodiscard]] Status Choose(std::string_view session_id);
  // Those of the sessions chosen since the last time, and those with the words ("" = none).
  [[nodiscard]] Status Erase(std::string_view words);

 private:
  Db& db_;
};

}  // namespace selftune::store
