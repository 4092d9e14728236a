// Inside the audit: rows as they are hashed, where the chain ends, and the seam of a chain that
// is being hashed anew.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "store/audit_chain.h"
#include "store/db.h"

namespace selftune::store::internal {

// Columns of EventOf; then 17 the hash before, 18 the hash, 20 the number.
inline constexpr char kAllEvents[] =
    "SELECT event_id, proposal_id, skill_id, action, occurred_ms, details, validation, eval_set, "
    "snapshot, location, sha256_before, sha256_after, run_id, iterations, validation_mode, "
    "validation_agent, evidence_ref, prev_hash, hash, target, event_pk FROM evolution_event "
    "ORDER BY event_pk";
[[nodiscard]] AuditEvent EventOf(const Cursor& row);
// Raw.
[[nodiscard]] std::string HashOf(std::string_view prev_hash, const AuditEvent& event);

// Where the chain ends: how many steps there are and the hash of the newest.
struct ChainEnd {
  int64_t count = 0;
  std::string hash;  // raw, "" = none yet
};
[[nodiscard]] StatusOr<ChainEnd> ReadEnd(Db& db);
[[nodiscard]] Status SetEnd(Db& db, const ChainEnd& end);

// How far a chain is hashed anew: up to this step, which had the hash `old` before; the step
// behind it still continues that one.
struct Seam {
  int64_t step = 0;      // 0 = in front of the first
  std::string old, now;  // raw

  // The hash that the step behind this one, with this hash, must continue.
  [[nodiscard]] const std::string& Follow(int64_t at, const std::string& hash) const {
    return at == step && hash == now ? old : hash;
  }
};
[[nodiscard]] StatusOr<std::optional<Seam>> ReadSeam(Db& db);
// nullopt: the chain is one again.
[[nodiscard]] Status SetSeam(Db& db, const std::optional<Seam>& seam);

}  // namespace selftune::store::internal
