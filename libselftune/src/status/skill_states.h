// How every skill does, put together from few queries: what status, the list
// of skills and the choice of the next step are made from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "config/config.h"
#include "monitoring/health.h"
#include "status/off_switches.h"
#include "status/trigger.h"
#include "store/db.h"
#include "store/queries/skill_facts.h"

namespace selftune::status {

struct SkillState {
  store::SkillTotals totals;
  std::vector<store::SkillPlace> places;  // installed files, as of the last sync
  std::vector<std::string> platforms;     // that used it
  store::SkillWindow window;              // uses in the window
  TriggerCounts trigger;                  // prompts in the window
  monitoring::Health health;              // always of the last 30 days
  int64_t missed_sessions = 0;            // of the last 30 days, cause curable
  int64_t missed_before = 0;              // prompts, of whatever cause, before those days
  int64_t corrections = 0, requests = 0, manual = 0, unwanted = 0;  // pending, sessions
  int64_t complaints_while_off = 0;  // of the first three; see Complaints
  std::optional<store::StandingDeploy> deploy;
  int64_t open_proposals = 0;
  std::optional<store::SkillWatch> watch;
  config::SkillAutonomy autonomy = config::SkillAutonomy::kAuto;
  std::string_view autonomy_source;  // see skill_policy.h
  bool managed = false;              // by a plugin or an administrator: never changed
  bool explicit_only = false;        // no installed copy may be loaded by the model
  std::vector<OffSwitch> switched_off;
  std::vector<OffSwitch> settings_unknown;  // may switch it off, and are not understood
  std::vector<OffSwitch> switched_on;       // projects where it is on all the same
  bool disabled = false;                    // settings switch it off wherever it is seen
  bool maybe_disabled = false;              // or it is not known whether they do
  // regressed drifting disabled settings_unknown silent locked frozen
  std::vector<std::string_view> flags;

  [[nodiscard]] bool installed() const { return !places.empty(); }
  // Installed, offered to somebody, and not used in the window.
  [[nodiscard]] bool silent() const {
    return installed() && !disabled && !maybe_disabled && window.triggered == 0;
  }
  // Anything at all was recorded about it. A request that found nothing is a record of
  // a skill only when there is such a skill.
  [[nodiscard]] bool seen() const;
};

struct StateRequest {
  UtcMillis now;
  store::TimeWindow window;          // of `window` and `trigger`
  store::SkillId skill = {};         // 0 = all
  std::string platform = {};         // evidence and settings of this host only; "" = all
  const OffSwitches* off = nullptr;  // null: settings and packages do not matter to who asks
  std::string settings_of = {};      // those of this host only; "" = as `platform` says
};

// Worst first: CRITICAL WARNING UNCERTAIN HEALTHY UNGRADED UNKNOWN, then by
// uses, then by name.
[[nodiscard]] StatusOr<std::vector<SkillState>> ReadSkillStates(store::Db& db,
                                                                const config::Config& config,
                                                                const StateRequest& request);

// A sentence for a state_reason code, with the figures it rests on.
[[nodiscard]] std::string ExplainState(const monitoring::Health& health);

// "30d" (days) or "20s" (sessions) as a range of time that ends now.
// INVALID_REQUEST for anything else.
[[nodiscard]] StatusOr<store::TimeWindow> ParseWindow(store::Db& db, std::string_view text,
                                                      UtcMillis now);

}  // namespace selftune::status
