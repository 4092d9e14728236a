// Watches of deployed changes, and the evidence sessions give about a skill.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/rows.h"
#include "store/skill_session.h"

namespace selftune::store {

struct WatchRow {
  std::string deploy_id, skill;
  std::string content_sha256;  // raw, of the deployed file
  double q = 0.4, alpha = 0.05;
  int64_t k0 = 0, n0 = 0;  // baseline: good of labelled sessions before
  int64_t n = 0, f = 0, s = 0, invalid = 0, excluded = 0;
  double e_down = 1, e_up = 1;
  std::string state = "watching";  // watching confirmed regressed inconclusive superseded suspended
  std::string reason;
  UtcMillis started;
  std::optional<UtcMillis> decided;
  bool rollback_due = false;  // regressed, and its deploy still stands
  // Whether it is still to be looked at.
  [[nodiscard]] bool open() const {
    return state == "watching" || state == "suspended" || rollback_due;
  }
};

[[nodiscard]] Status InsertWatch(Db& db, const WatchRow& row, UtcMillis now);
// Stores counts, values, state and reason.
[[nodiscard]] Status UpdateWatch(Db& db, const WatchRow& row);
// `skill` "" = all; `open_only`: see open(). Newest first.
[[nodiscard]] StatusOr<std::vector<WatchRow>> ListWatches(Db& db, std::string_view skill,
                                                          bool open_only);

struct WatchObservationRow {
  SessionPk session;
  std::optional<int> x;  // 1 good, 0 bad; empty: excluded, source says why
  std::string source;
};
// Replaces what was stored for these sessions.
[[nodiscard]] Status PutWatchObservations(Db& db, std::string_view deploy_id,
                                          const std::vector<WatchObservationRow>& rows,
                                          UtcMillis now);

// Sessions with any evidence about the skill that started in [from, to), oldest
// first, at most `limit` of the newest.
[[nodiscard]] StatusOr<std::vector<SkillSession>> ReadSkillSessions(Db& db, std::string_view skill,
                                                                    UtcMillis from, UtcMillis to,
                                                                    int64_t limit);

}  // namespace selftune::store
