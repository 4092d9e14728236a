// Skills that people complained of and that no run can do anything about for now: locked, changed
// lately, of a package, not installed any more. A run that found that out writes it down, so that
// no other one begins by itself to find out the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "config/config.h"
#include "orchestrate/candidates.h"
#include "store/db.h"
#include "store/ids.h"

namespace selftune::orchestrate {

// Why nothing came of a skill's signals is looked at again after so long, whatever is known of
// it: settings of agents and links to files are on the disk alone.
inline constexpr int64_t kLookAgainMs = kDayMs;

// What waits for a run, as the store and the configuration say; the disk is not looked at.
struct ToTakeUp {
  bool now = false;                  // a skill with pending signals does not rest
  std::optional<UtcMillis> from;     // the first of those that rest ends to; nullopt = none rests
  std::vector<std::string> resting;  // lower-case names, where more complaints change nothing
};
// A skill rests until its time is over, or until anything changes that the reason may depend on:
// the configuration, what is stored of it, or its files as of the last sync.
[[nodiscard]] StatusOr<ToTakeUp> SignalsToTakeUp(store::Db& db, const config::Config& config,
                                                 UtcMillis now);

// What a run found of a skill.
struct Looked {
  std::string skill;
  std::string reason = {};              // "" = it was worked on, or will be by the next run
  std::optional<UtcMillis> until = {};  // when the reason ends by itself, if that is known
  bool asked = true;                    // false: this run was not about it, and found nothing
  bool of_evidence = false;             // another complaint may change it
};
// The decision on a skill, where nothing was tried. What the next run may decide otherwise with
// the same facts (others were before it) is no reason to rest. Which agents there are depends on
// who asks: only what a run that a hook began (`by_hook`) finds of them holds for the next one.
[[nodiscard]] Looked LookedAt(const Decision& decision, const CandidateFacts& facts, bool by_hook);

// Trying a skill failed so. Would the next run meet the same, or pay for it again? `asked`: it
// came to the model, with so many `calls`.
[[nodiscard]] bool MeetsAgain(const Status& failure, bool asked, int64_t calls);

// Skills with pending signals, and what a reason may depend on, as both are now: taken before a run
// looks at anything, so that what is said or changed meanwhile ends a rest that it did not know of.
struct RestBasis {
  store::SkillId id;
  std::string skill;  // lower case
  std::string depends;
  int64_t newest_signal = 0;
  bool rests = false;  // a rest is written down, over or not
};
[[nodiscard]] StatusOr<std::vector<RestBasis>> TakeRestBasis(store::Db& db,
                                                             const config::Config& config,
                                                             UtcMillis now);
// Writes down what was found of those. Returns whether anything changed. In a transaction of its
// own.
[[nodiscard]] StatusOr<bool> KeepResting(store::Db& db, const std::vector<RestBasis>& basis,
                                         const std::vector<Looked>& looked, UtcMillis now);
// All of them rest for this reason.
[[nodiscard]] StatusOr<bool> RestAll(store::Db& db, const std::vector<RestBasis>& basis,
                                     std::string_view reason, UtcMillis until, UtcMillis now);

}  // namespace selftune::orchestrate
