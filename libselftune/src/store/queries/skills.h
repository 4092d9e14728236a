// What is known about skills.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/time/time.h>

#include "base/error.h"
#include "store/db.h"
#include "store/queries/page.h"
#include "store/rows.h"

namespace selftune::store {

struct SkillRef {
  SkillId id;
  std::string name;
};
// By name, ASCII case ignored; SKILL_NOT_FOUND names near misses.
[[nodiscard]] StatusOr<SkillRef> FindSkill(Db& db, std::string_view name);
[[nodiscard]] StatusOr<SkillRef> FindSkillById(Db& db, SkillId id);  // SKILL_NOT_FOUND

struct SkillLocation {
  std::string path, scope, registry_dir, project_root, real_path;
  std::string content_sha256;  // hex, "" = unknown
  std::string description;
  bool has_description = false;
  std::optional<bool> implicit_allowed, in_git;
  UtcMillis first, last;
};

struct SkillSummary {
  SkillId id;
  std::string name;
  int64_t checks = 0, triggered = 0, missed = 0, sessions = 0, workspaces = 0;
  std::optional<UtcMillis> first, last;
  std::string last_scope, autonomy;  // autonomy "" = default
  std::vector<SkillLocation> locations;
};

struct CauseCount {
  std::string cause;
  int64_t count = 0;
};
struct SkillReport {
  SkillSummary summary;
  // Within the window.
  int64_t triggered = 0, refused = 0, requested = 0, read_only = 0, missed = 0;
  int64_t explicit_uses = 0, implicit_uses = 0, inferred_uses = 0;
  int64_t confidence_n = 0;
  double confidence_sum = 0;
  int64_t low_confidence = 0, linked = 0, polluted = 0, repaired = 0;
  std::vector<CauseCount> causes;                          // of missed rows
  std::vector<std::pair<std::string, int64_t>> platforms;  // triggered uses
  struct Version {
    std::string content_sha256;  // hex
    UtcMillis first, last;
  };
  std::vector<Version> versions;
};
[[nodiscard]] StatusOr<SkillReport> ReadSkillReport(Db& db, SkillId skill,
                                                    const TimeWindow& window);

struct SkillDayRow {
  int64_t day = 0;  // days since the epoch
  int64_t checks = 0, triggered = 0, refused = 0, requested = 0, read_only = 0, missed = 0;
  int64_t explicit_uses = 0, implicit_uses = 0, inferred_uses = 0;
};
// Days with rows, ascending. SkillId{} = all skills together.
[[nodiscard]] StatusOr<std::vector<SkillDayRow>> ReadSkillDays(Db& db, SkillId skill,
                                                               const TimeWindow& window);

// The same from the rows themselves, by the days of a place; of a day only the
// part inside the window. Without the counts of modes.
[[nodiscard]] StatusOr<std::vector<SkillDayRow>> ReadSkillDaysIn(Db& db, SkillId skill,
                                                                 const TimeWindow& window,
                                                                 const absl::TimeZone& zone);

// Where an installed skill lies, newest first.
[[nodiscard]] StatusOr<std::vector<SkillLocation>> ReadSkillLocations(Db& db, SkillId skill);

}  // namespace selftune::store
