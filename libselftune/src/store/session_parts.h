// Sessions whose records lie in several files: which files belong together.
#pragma once

#include <cstdint>
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

// A part whose file is gone: what it gave stays when the other files are read
// again. Inside a WriteTxn, as the next.
[[nodiscard]] Status KeepSource(Db& db, SourceId source);
// Where its reader was at the end is of no use any more.
[[nodiscard]] Status ForgetReaderState(Db& db, SourceId source);
// Its file is there, or another holds all it had.
[[nodiscard]] Status ReleaseSource(Db& db, SourceId source);
// The highest number of a prompt that the part gave, -1 = none.
[[nodiscard]] StatusOr<int32_t> LastPromptOf(Db& db, SourceId source);
// The number of its first; INT32_MAX when it has none.
[[nodiscard]] StatusOr<int32_t> FirstPromptOf(Db& db, SourceId source);
// Keys of the records that the part gave.
[[nodiscard]] StatusOr<std::vector<uint64_t>> SourceKeys(Db& db, SourceId source);

// What is added to the numbers that the reader of a file gives to the prompts
// of a session: not 0 behind a kept part whose reader state is of no use.
[[nodiscard]] StatusOr<int32_t> PromptShift(Db& db, SessionPk session, SourceId source);
// The same for a file that is read from its start behind kept parts; `anew`: by
// a reader that knows nothing of them. Inside a WriteTxn.
[[nodiscard]] StatusOr<int32_t> ShiftBehindKept(Db& db, SessionPk session, SourceId source,
                                                bool anew);

// The strongest capture that told of the session; "" = only others name it.
[[nodiscard]] StatusOr<std::string> CaptureOf(Db& db, SessionPk session);

// The next look finds the file changed. Inside a WriteTxn.
[[nodiscard]] Status ForgetSeen(Db& db, SourceId source);

}  // namespace selftune::store
