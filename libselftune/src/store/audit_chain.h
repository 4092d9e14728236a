// The hash chain over all steps of all proposals. What was written cannot be
// changed, taken out or cut off unnoticed by who does not recompute all of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "store/db.h"
#include "store/quotes.h"
#include "store/rows.h"

namespace selftune::store {

// One row of evolution_event without its hashes; every column counts.
struct AuditEvent {
  std::string event_id, proposal_id, action, details, validation, eval_set, snapshot, location;
  std::string sha256_before, sha256_after;  // raw
  std::string run_id, mode, agent;
  std::string texts;                   // TextsDigest of the first step of a proposal
  std::string target = "description";  // another one only in imported steps
  int64_t skill = 0;
  std::optional<int64_t> iterations;
  UtcMillis at;
};

// The texts a proposal is about, as its first step names them.
[[nodiscard]] std::string TextsDigest(std::string_view original, std::string_view proposed);

// Appends the event and moves the end of the chain. Inside a WriteTxn.
[[nodiscard]] Status AppendEvent(Db& db, const AuditEvent& event);

// Recomputes the chain from its beginning to its end and compares it with the
// proposals; one message a difference, "proposal <id>: ..." or "audit: ...".
[[nodiscard]] StatusOr<std::vector<std::string>> CheckChains(Db& db);

// Takes what quotes forgotten words out of the steps and hashes the chain anew from
// the first of them on, unless it was broken before: then it stays so. Returns how many
// steps were changed. In short transactions of its own; between two of them, and when it is cut
// off, the chain is whole, and the next call goes on. One at a time.
[[nodiscard]] StatusOr<int64_t> EraseFromAudit(Db& db, const Quotes& quotes,
                                               const base::Cancel* cancel);

}  // namespace selftune::store
