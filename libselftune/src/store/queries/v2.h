// Lists and facts of the v2 interface of the dashboard, in the shapes of the
// reference. Every one is bounded: by a page, or by the newest rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/rows.h"

namespace selftune::store {

// Place in a list, newest first: behind this time and id.
struct V2Place {
  UtcMillis at{INT64_MAX};
  int64_t id = INT64_MAX;
};

// A session is live when it ended in there: not long ago, and by no wrong clock
// in a time to come.
struct LiveWindow {
  UtcMillis from, to;
};

// What a session did.
struct V2Telemetry {
  int64_t id = 0;
  std::string session_id;
  UtcMillis at{0};  // its end
  int64_t tool_calls = 0, errors = 0;
  std::vector<std::string> skills;  // triggered, distinct, by name
};
// At most `limit`, sessions that have an end.
[[nodiscard]] StatusOr<std::vector<V2Telemetry>> ListV2Telemetry(Db& db, const V2Place& behind,
                                                                 int64_t limit);

// A decision about a skill.
struct V2Usage {
  int64_t id = 0;
  std::optional<UtcMillis> at;
  std::string session_id, platform, skill, path, scope, capture, outcome, mode, tool, agent_type;
  std::string prompt_kind, workspace;  // "" = no prompt row, unknown
  std::optional<std::string> query;
  bool own_query = false;  // the text came with the row, not from a prompt
  std::optional<double> confidence;
  bool live = false;  // its session ended a few minutes ago at most

  [[nodiscard]] bool triggered() const { return outcome == "triggered"; }
};
// Effective rows of a skill, or of all (SkillId{}).
[[nodiscard]] StatusOr<std::vector<V2Usage>> ListV2Usage(Db& db, SkillId skill,
                                                         const V2Place& behind, int64_t limit,
                                                         const LiveWindow& live);

struct V2Event {
  UtcMillis at{0};
  std::string proposal_id, skill, action, details, snapshot, validation, eval_set, target;
  std::string validation_mode, validation_agent, fixture_id, evidence_ref;
  std::string rationale;
  std::optional<double> confidence;
  std::optional<std::string> original, proposed;  // texts of its proposal
};
// Newest first; of one skill, or of all.
[[nodiscard]] StatusOr<std::vector<V2Event>> ListV2Events(Db& db, SkillId skill, int64_t limit);

struct V2Miss {
  std::optional<UtcMillis> at;
  std::string session_id;
  std::optional<std::string> query;
};
// The newest misses whose text is none of the newest `compared` triggers'.
[[nodiscard]] StatusOr<std::vector<V2Miss>> ListV2Unmatched(Db& db, int64_t limit,
                                                            int64_t compared);

struct V2Counts {
  int64_t telemetry = 0, skills = 0, evolution = 0, evidence = 0, sessions = 0, prompts = 0;
};
[[nodiscard]] StatusOr<V2Counts> ReadV2Counts(Db& db);
// Sessions that are live.
[[nodiscard]] StatusOr<int64_t> CountLiveSessions(Db& db, const LiveWindow& live);

// Sums and the state of the loop of every skill with evidence.
struct V2Skill {
  SkillId id;
  std::string name, scope, path;
  int64_t checks = 0, triggered = 0, missed = 0, sessions = 0;
  int64_t with_confidence = 0;
  double confidence_sum = 0;
  std::optional<UtcMillis> first, last;
  int64_t eval_entries = 0, replays = 0, evolution_rows = 0;
  std::optional<UtcMillis> latest_eval, latest_evolution;
  std::string latest_action, latest_validation_mode;
  int64_t pending = 0;  // proposals
};
// By checks, then last use, then name; only `skill` unless it is SkillId{}.
[[nodiscard]] StatusOr<std::vector<V2Skill>> ReadV2Skills(Db& db, SkillId skill);

struct V2Proposal {
  std::string proposal_id, action, details, skill;
  UtcMillis at{0};
};
// Proposals that were neither deployed nor refused, newest first.
[[nodiscard]] StatusOr<std::vector<V2Proposal>> ListV2Pending(Db& db, SkillId skill, int64_t limit);

}  // namespace selftune::store
