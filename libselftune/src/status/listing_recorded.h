// What the newest session of a host was really shown, beside what its listing
// should be (listing_budget.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "hosts/registry.h"
#include "status/listing_budget.h"
#include "store/db.h"
#include "store/queries/sessions.h"
#include "store/queries/timeline.h"

namespace selftune::status {

struct RecordedListing {
  std::string session_id;
  std::optional<UtcMillis> at;
  std::vector<store::ExposureItem> skills;
  int64_t chars = 0;  // of their lines, as they were shown
  int64_t cut = 0;    // shortened, or without a description
};

// As it stood at the end of the session; as it began, when a compaction dropped
// it. Empty when no session of the host says what it offered.
[[nodiscard]] StatusOr<std::optional<RecordedListing>> ReadRecordedListing(
    store::Db& db, const hosts::HostRow& row);

struct RecordedMatch {
  // Of each line, in the same order: its state there, "absent" when it is not.
  std::vector<std::string> states;
  int64_t others = 0, others_chars = 0;  // shown, and not among the lines
};
// By file where both name one, else by name.
[[nodiscard]] RecordedMatch MatchRecorded(const hosts::HostRow& row,
                                          const RecordedListing& recorded,
                                          const std::vector<ListedLine>& lines);

}  // namespace selftune::status
