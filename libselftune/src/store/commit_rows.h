// Commits that the tools of a session made.
#pragma once

#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "store/db.h"
#include "store/ids.h"

namespace selftune::store {

struct CommitRow {
  std::string_view sha;
  std::string_view title, branch, remote;  // "" = unknown, none
  UtcMillis at;
};

// Inside a WriteTxn. Twice is once; what is known already is not lost. A commit belongs
// to the session that was seen to make it first.
[[nodiscard]] Status PutCommit(Db& db, SessionPk session, const CommitRow& row);

}  // namespace selftune::store
