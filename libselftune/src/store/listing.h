// Listings: what a model was offered as one unit, stored once however many
// sessions show it, and what follows from a row of them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/ids.h"
#include "store/vocabulary.h"

namespace selftune::store {

// An entry with everything interned.
struct ListedSkill {
  SkillId skill;
  std::string name;  // as listed
  ExposureState state = ExposureState::kFull;
  BodyId description;  // 0 = not shown or unknown
  std::string location;
  int64_t chars = 0;  // of name and description
};

// The listing with exactly these entries in this order, made when new.
[[nodiscard]] StatusOr<ListingId> InternListing(Db& db, const std::vector<ListedSkill>& entries);

// What a session is offered after some of its exposure rows.
class ShownState {
 public:
  // Every entry of a row overrides what was known of its name. Two entries of
  // one name in one row (one hides the other) both stand.
  void Apply(const std::vector<ListedSkill>& row);
  // Entries that are not absent, by name.
  [[nodiscard]] std::vector<ListedSkill> Present() const;
  // What has to be said as absent when `row` replaces everything.
  [[nodiscard]] std::vector<ListedSkill> Vanished(const std::vector<ListedSkill>& row) const;
  [[nodiscard]] bool empty() const { return shown_.empty(); }

 private:
  std::map<std::string, std::vector<ListedSkill>, std::less<>> shown_;
};

// Replays the exposure rows of a session, in their order; only those before
// `end_offset` of their file when it is set.
[[nodiscard]] StatusOr<ShownState> ReplayExposures(Db& db, SessionPk session,
                                                   std::optional<uint64_t> end_offset);

// A text that ends as shortened ones do, and that listings showed before the
// skill's file was seen, is that file's whole description: its entries are full,
// and misses that were put down to the shortening are judged anew.
[[nodiscard]] Status KnowWhole(Db& db, SkillId skill, BodyId description);

// Listings that have not as many entries as they say, as damage leaves them: one
// without any goes with the rows that show it, another says what it still has,
// so that who meets the whole one makes it anew. How many there were.
[[nodiscard]] StatusOr<int64_t> MendListings(Db& db);

[[nodiscard]] StatusOr<std::vector<ListedSkill>> ReadListing(Db& db, ListingId listing);

}  // namespace selftune::store
