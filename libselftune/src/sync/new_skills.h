// What people said of skills before these were known.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/error.h"
#include "store/ingest_writer.h"

namespace selftune::sync {

// The store is to say the same in whatever order skills and prompts came: the
// first sync reads prompts before it knows the projects they were typed in, and
// people ask for skills that they install later. Draws the sessions again in
// which a prompt says something else now; reads all prompts when there are names
// that were not there at the last call, else nothing. Opens its own transactions.
//
// `installed`: sorted. Returns how many sessions were drawn again.
[[nodiscard]] StatusOr<int64_t> DrawForNewSkills(store::IngestWriter& writer,
                                                 std::span<const std::string> installed);

// Before the first prompt is read: all that follow are drawn with these names.
// Opens its own transaction, if it has to.
[[nodiscard]] Status BeginNames(store::Db& db, std::span<const std::string> installed);

// The next DrawForNewSkills draws all. Opens its own transaction.
[[nodiscard]] Status ForgetNames(store::Db& db);

}  // namespace selftune::sync
