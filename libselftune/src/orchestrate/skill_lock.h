// One run works at a time, and one skill is changed by one process at a time.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/lock_file.h"
#include "base/time.h"
#include "store/db.h"

namespace selftune::orchestrate {

// What the lock of runs says of its holder. For display: the kernel's lock is the only truth.
[[nodiscard]] std::string RunHolder(std::string_view run_id, UtcMillis started, UtcMillis now);
// LOCK_HELD.
[[nodiscard]] StatusOr<base::LockFile> LockRuns(const std::string& state_dir,
                                                std::string_view run_id, UtcMillis now);

// Two evolutions of one skill would look at the same held-out prompts, and an
// approval in between would deploy under the other's feet. LOCK_HELD.
[[nodiscard]] StatusOr<base::LockFile> LockSkill(const std::string& state_dir,
                                                 std::string_view skill, UtcMillis now);

// Ends the proposals of all skills whose process died. What is being worked on
// now, by whoever holds the lock of that skill, is left alone.
[[nodiscard]] Status EndDeadProposals(store::Db& db, const std::string& state_dir,
                                      std::string_view run_id, UtcMillis now);

}  // namespace selftune::orchestrate
