// Rows that quote what a person said: of the audit, of proposals, replays, labels, runs and
// decisions, and what an import kept of rows that it could not place. They go before the words do,
// so that who goes on after a cut finds the words still, and by them the quotes.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/cancel.h"
#include "base/error.h"
#include "store/db.h"
#include "store/quotes.h"

namespace selftune::store {

struct ErasedQuotes {
  int64_t audit_steps = 0;
  int64_t rows = 0;  // of all others
  // Others changed rows between the look and the turn to write: these are as they made them, and
  // are to be looked at again.
  bool overtaken = false;
};
// In transactions of its own.
[[nodiscard]] StatusOr<ErasedQuotes> EraseQuotes(Db& db, const Quotes& quotes,
                                                 const base::Cancel* cancel);

// Does the store know what an import did? One of the first builds has no such table.
[[nodiscard]] StatusOr<bool> HasImportNotes(Db& db);

// Notes of an import that quote, of whatever row. In transactions of its own.
[[nodiscard]] Status EraseNotesWith(Db& db, const Quotes& quotes, const base::Cancel* cancel);

// Notes of an import: found by the session that they name, or by words. In no transaction.
class ForgetNotes {
 public:
  ForgetNotes(Db& db, const base::Cancel* cancel) : db_(db), cancel_(cancel) {}

  // Makes what the others need.
  [[nodiscard]] Status Prepare();
  [[nodiscard]] Status Choose(std::string_view session_id);
  // Those of the sessions chosen since the last time go, and of others the texts with the words
  // ("" = none).
  [[nodiscard]] Status Erase(std::string_view words);

 private:
  Db& db_;
  const base::Cancel* cancel_;
};

}  // namespace selftune::store
