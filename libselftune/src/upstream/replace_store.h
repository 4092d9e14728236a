// The reference's database lies where our store belongs: the new store takes its
// place, and it stays beside it, byte by byte as it was.
#pragma once

#include <string>

#include "base/error.h"

namespace selftune::upstream {

// Where the new store is made until it is whole.
[[nodiscard]] std::string ImportingPath(const std::string& store_path);

// Brings back the reference's files after a change of places that did not come to its end:
// all of them are where they were. Does nothing otherwise.
[[nodiscard]] Status UndoUnfinished(const std::string& store_path);

// Moves the files of the reference to `<store_path>.reference`, `-wal` and `-shm` with it, and
// the store made at ImportingPath to `store_path`. At no moment is there no file at
// `store_path`, and none of the reference's bytes is written. Returns where its database is now.
[[nodiscard]] StatusOr<std::string> ReplaceStore(const std::string& store_path);

}  // namespace selftune::upstream
