#pragma once

#include <string>

#include "base/cancel.h"
#include "base/error.h"
#include "base/lock_file.h"
#include "base/time.h"
#include "store/db.h"

namespace selftune::sync {

// One sync of a store at a time: a plan holds only as long as nobody else reads
// on from the same cursors. Whoever waited finds little left to do.
[[nodiscard]] StatusOr<base::LockFile> LockSync(const store::Db& db, UtcMillis now,
                                                const base::Cancel* cancel);
// The same of a store that is not open; its folder is made.
[[nodiscard]] StatusOr<base::LockFile> LockSync(const std::string& store_path, UtcMillis now,
                                                const base::Cancel* cancel);

}  // namespace selftune::sync
