// Skills with pending signals, and those of them that no run can do anything about for now
// (orchestrate/resting.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "store/db.h"
#include "store/ids.h"

namespace selftune::store {

struct RestRow {
  std::string reason;
  UtcMillis until;
  std::string depends;  // 16 bytes of what the reason may depend on, as it was
  std::optional<int64_t> newest_signal = {};  // then; nullopt = more of them change nothing
};

struct PendingSkill {
  SkillId id;
  std::string name;
  int64_t newest_signal = 0;
  std::optional<RestRow> rest;
};
// By name. A signal is valid for 30 days.
[[nodiscard]] StatusOr<std::vector<PendingSkill>> ReadPendingSkills(Db& db, UtcMillis now);

// What is stored of the skill's policy, and where its files were at the last sync, as text.
[[nodiscard]] StatusOr<std::string> RestDependsOn(Db& db, SkillId skill);

// Inside a WriteTxn, as the next one.
[[nodiscard]] Status SetRest(Db& db, SkillId skill, const RestRow& rest, UtcMillis now);
[[nodiscard]] Status EndRest(Db& db, SkillId skill);

}  // namespace selftune::store
