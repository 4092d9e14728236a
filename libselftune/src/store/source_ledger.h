// The ledger of source files as sync needs it: one query for everything that
// is compared with the disk, one more for a file that changed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/rows.h"

namespace selftune::store {

// What tells an unchanged file from a changed one.
struct LedgerEntry {
  SourceId id;
  std::string path;
  uint64_t dev = 0, inode = 0;
  uint64_t size = 0;
  int64_t mtime_ns = 0;
  int64_t parser_version = 0;
  uint64_t pending_bytes = 0;
  int64_t last_read_ms = 0;
  bool missing = false;
  bool quarantined = false;
  bool has_error = false;
  std::string stamp;  // see SourceState
};

// All sources of a platform but spools and imports, sorted by path.
[[nodiscard]] StatusOr<std::vector<LedgerEntry>> LoadLedger(Db& db, std::string_view platform);
// Everything stored about one source. NOT_FOUND when there is no such row.
[[nodiscard]] StatusOr<SourceState> LoadSourceState(Db& db, SourceId id);
// The host moved the file: same content, other path, perhaps into its archive
// or out of it. Inside a WriteTxn.
[[nodiscard]] Status MoveSource(Db& db, SourceId id, std::string_view path, bool archived);

// Which file a session was read from; id 0 when the session is not known or
// was only seen by other captures.
struct SessionSource {
  SessionPk session;
  SourceId source;
  int64_t generation = 0;       // of that source
  int64_t read_generation = 0;  // in which the session was read
  std::string state;            // active missing quarantined
  std::string path;
  std::string kind;        // transcript rollout sqlite json
  bool from_file = false;  // a file told the session, perhaps one that no row names
};
[[nodiscard]] StatusOr<SessionSource> FindSessionSource(Db& db, std::string_view platform,
                                                        std::string_view session_id);

// Working directories of all known sessions, sorted.
[[nodiscard]] StatusOr<std::vector<std::string>> Workspaces(Db& db);
// Hosts of which at least one session is known, sorted.
[[nodiscard]] StatusOr<std::vector<std::string>> HostsWithSessions(Db& db);

}  // namespace selftune::store
