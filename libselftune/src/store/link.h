// What can only be said when several sessions are known: parents and roots of
// subagents, the prompt they were started by, and which session a fork copies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/ingest_writer.h"
#include "store/rows.h"

namespace selftune::store {

struct LinkReport {
  int64_t sessions = 0;      // whose links changed
  int64_t observations = 0;  // whose prompt changed
  int64_t inherited = 0;     // forks that took over what their parent showed
};

// Resolves whatever became resolvable since the last call, in any order of
// arrival. Inside a WriteTxn. Cost: pending sessions only.
[[nodiscard]] StatusOr<LinkReport> ResolveLinks(Db& db, UtcMillis now);

// One of several sessions that share an anchor.
struct ForkMember {
  SessionPk session;
  std::string platform, session_id, forked_from;
  std::optional<UtcMillis> born, started;
  SourceId source;
  std::string path;
  bool settled = false;
};

// Sessions that share records, oldest first (started, then born, then id);
// at least one of them is not settled yet.
struct ForkGroup {
  std::vector<ForkMember> members;
};

// Groups with an unsettled member. Sessions whose anchors nobody shares are
// not listed; SettleAlone marks them.
[[nodiscard]] StatusOr<std::vector<ForkGroup>> UnsettledForks(Db& db);

// Keys of the records that made the session's facts.
[[nodiscard]] StatusOr<std::vector<uint64_t>> SessionKeys(Db& db, SessionPk session);
// Adds the keys of one stored row.
void AppendKeys(std::string_view stored, std::vector<uint64_t>& keys);

// The copies of this session are known and left out. Inside a WriteTxn.
[[nodiscard]] Status MarkSettled(Db& db, SessionPk session);
// Settles every session that shares no anchor with another one.
[[nodiscard]] Status SettleAlone(Db& db);

}  // namespace selftune::store
