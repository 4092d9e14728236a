// Sessions whose records lie in several files: which files belong together.
#pragma once

#include <vector>

#include "base/error.h"
#include "store/db.h"

namespace selftune::store {

// Both files hold records of the session. Inside a WriteTxn.
[[nodiscard]] Status AddSessionParts(Db& db, SessionPk session, SourceId one, SourceId other);

// Does the file share a session with another one, behind whose records it
// cannot simply be read on? `from_start`: it is read again as a whole.
[[nodiscard]] StatusOr<bool> SharesSession(Db& db, SourceId source, bool from_start);

// Do its records lie in several files?
[[nodiscard]] StatusOr<bool> HasParts(Db& db, SessionPk session);

// The file and all that are tied to it by sessions, sorted by id; some may be
// gone from the disk.
[[nodiscard]] StatusOr<std::vector<SourceId>> FilesTogether(Db& db, SourceId source);

// The next look finds the file changed. Inside a WriteTxn.
[[nodiscard]] Status ForgetSeen(Db& db, SourceId source);

}  // namespace selftune::store
