// What people said of skills before these were known.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <absl/functional/function_ref.h>

#include "base/error.h"
#include "base/time.h"
#include "store/ingest_writer.h"

namespace selftune::sync {

// Asked now and then; what it fails with ends the work, which is then as if it
// had not been begun, apart from sessions that were drawn already.
using GoOn = absl::FunctionRef<Status()>;

// The store is to say the same in whatever order skills and prompts came: the
// first sync reads prompts before it knows the projects they were typed in, and
// people ask for skills that they install later. Draws the sessions again in
// which a prompt says something of a skill that was not there before. Reads all
// prompts for a name that was never there; for one that is back after a while,
// those of sessions that something was written about since it went; else none.
// Opens its own transactions.
//
// `installed`: sorted. `began`: when the run did. Returns how many sessions were
// drawn again.
[[nodiscard]] StatusOr<int64_t> DrawForNewSkills(store::IngestWriter& writer,
                                                 std::span<const std::string> installed,
                                                 UtcMillis began, GoOn go_on);

// Before anything is read: from here on prompts are drawn without the names that
// are not there any more, however the run ends. Opens its own transaction, if it
// has to.
[[nodiscard]] Status BeginNames(store::Db& db, std::span<const std::string> installed,
                                UtcMillis now);

// Draws every session in which anything was or is said of skills. Opens its own
// transactions. Returns how many.
[[nodiscard]] StatusOr<int64_t> DrawAll(store::IngestWriter& writer,
                                        std::span<const std::string> installed, GoOn go_on);

}  // namespace selftune::sync
