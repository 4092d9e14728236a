// Facts about all skills at once, kept or counted cheaply: for overviews.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/queries/page.h"
#include "store/rows.h"

namespace selftune::store {

struct EvidenceScope {
  TimeWindow window = {};     // of the prompt, or of the start of the session
  SkillId skill = {};         // 0 = all
  std::string platform = {};  // "" = all
};

// One row a skill that is known in any way.
struct SkillTotals {
  SkillId id;
  std::string name;
  int64_t checks = 0, triggered = 0, missed = 0, sessions = 0;  // all time
  std::optional<UtcMillis> last;
  std::string last_scope, autonomy;  // autonomy "" = default
  std::optional<UtcMillis> cooldown_until, frozen_until;
  // Its text was read, a host listed it, or somebody judged it. False for a name that
  // was only asked for and never answered: an agent asks for skills that do not exist.
  bool met = false;
};
[[nodiscard]] StatusOr<std::vector<SkillTotals>> ReadSkillTotals(Db& db);  // by name

// How often a skill was used in the sessions of a host; 0 for an unknown name.
[[nodiscard]] StatusOr<int64_t> CountUses(Db& db, std::string_view name, std::string_view platform);

// Sums of whole days.
struct SkillWindow {
  SkillId id;
  int64_t triggered = 0, refused = 0, requested = 0, missed = 0;
};
[[nodiscard]] StatusOr<std::vector<SkillWindow>> ReadSkillWindows(Db& db, const TimeWindow& window);

// How often each skill was missed before an instant, for whatever cause; those that
// never were are left out.
[[nodiscard]] StatusOr<std::vector<std::pair<SkillId, int64_t>>> ReadMissesBefore(Db& db,
                                                                                  UtcMillis when);

struct SkillPlace {
  SkillId id;
  std::string path, scope, registry_dir, project_root, content_sha256;  // raw
  std::optional<bool> implicit_allowed, in_git;
  UtcMillis first_seen;   // there, by a sync
  std::string real_path;  // of the file, links resolved
};
[[nodiscard]] StatusOr<std::vector<SkillPlace>> ReadSkillPlaces(Db& db);  // by skill, path

// Hosts on which a skill left evidence; sorted, each pair once.
[[nodiscard]] StatusOr<std::vector<std::pair<SkillId, std::string>>> ReadSkillPlatforms(Db& db);

// Characters that name and description of a skill took in the newest listing
// that showed it; empty when no listing did.
[[nodiscard]] StatusOr<std::optional<int64_t>> ListedChars(Db& db, SkillId skill);

// Pending signals of installed skills, not older than `since`, a row for each host and
// working directory.
struct SignalWeight {
  SkillId id;
  std::string skill, kind, platform, cwd;
  int64_t sessions = 0;
};
[[nodiscard]] StatusOr<std::vector<SignalWeight>> ReadSignalWeights(Db& db, UtcMillis since);

// Newest step of each skill's newest deploy that stands.
struct StandingDeploy {
  SkillId id;
  std::string deploy_id, proposal_id;
  UtcMillis at;
};
[[nodiscard]] StatusOr<std::vector<StandingDeploy>> ReadStandingDeploys(Db& db);
// Proposals waiting for review, a skill and a count.
[[nodiscard]] StatusOr<std::vector<std::pair<SkillId, int64_t>>> ReadOpenProposals(Db& db);
// State of the newest watch of each skill that has one; drifting or not.
struct SkillWatch {
  SkillId id;
  std::string deploy_id, state;
  bool drifting = false;
};
[[nodiscard]] StatusOr<std::vector<SkillWatch>> ReadSkillWatches(Db& db);

// Kept counters: what the store holds altogether.
struct Counts {
  int64_t sessions = 0, prompts = 0, invocations = 0;
};
[[nodiscard]] StatusOr<Counts> ReadCounts(Db& db);

// End of the newest session; empty without one.
[[nodiscard]] StatusOr<std::optional<UtcMillis>> NewestEvidence(Db& db);
// Start of the n-th newest session of a person; empty when there are fewer.
[[nodiscard]] StatusOr<std::optional<UtcMillis>> NthNewestSession(Db& db, int64_t n);

// Prompts of people in the window after which no skill ran, newest first.
struct Unmatched {
  int64_t count = 0, prompts = 0;  // of all prompts looked at
  struct Sample {
    std::string text_sha256, text;  // hex; "" = forgotten
    int64_t count = 0;
  };
  std::vector<Sample> top;
  bool truncated = false;  // only the newest `limit` prompts were looked at
};
[[nodiscard]] StatusOr<Unmatched> ReadUnmatched(Db& db, const EvidenceScope& scope, int64_t limit,
                                                size_t top);

}  // namespace selftune::store
