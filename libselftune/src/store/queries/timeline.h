// Single rows behind an answer to "why": listings, compactions and judgements
// around a prompt, each with the place it was read from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/queries/signals.h"
#include "store/rows.h"

namespace selftune::store {

// A listing the host sent in a session.
struct ExposureRowItem {
  std::optional<UtcMillis> at;
  std::string cause;                  // listing delta compaction
  int64_t skills = 0, chars = 0;      // in it
  bool inherited = false;             // from the session it branched off
  std::optional<int64_t> prompt_seq;  // first prompt it holds for, empty = from the start
  std::string source_path;
  std::optional<int64_t> source_offset, source_line;
};
// In order.
[[nodiscard]] StatusOr<std::vector<ExposureRowItem>> ReadExposureRows(Db& db, SessionPk session);

// Everything known about one prompt.
struct PromptPlaceItem {
  PromptPk pk;
  SessionPk session;
  int32_t seq = 0;
  std::string kind, session_id, platform, cwd, source_path;
  std::optional<std::string> text;
  std::optional<UtcMillis> at;
  bool active = true;
  std::optional<int64_t> source_offset, source_line;
};
// NOT_FOUND; the message names prompts that exist.
[[nodiscard]] StatusOr<PromptPlaceItem> ReadPromptPlace(Db& db, SessionPk session, int32_t seq);

// What was said about a skill at a prompt.
struct SignalAt {
  std::string kind, state;
  int32_t seq = 0;  // of the prompt that carries it
};
struct JudgementAt {
  std::vector<LabelItem> labels;
  std::vector<SignalAt> signals;            // at the prompt and at the next one of the person
  std::vector<std::string> competing;       // other skills that ran in the turn
  std::optional<std::string> missed_cause;  // as stored
};
[[nodiscard]] StatusOr<JudgementAt> ReadJudgementAt(Db& db, const PromptPlaceItem& prompt,
                                                    SkillId skill);

// Outcomes of the skill itself in the turn of the prompt.
struct UseAt {
  std::string outcome, requested_by, level, route, source_path;
  std::optional<int64_t> source_offset, source_line;
};
[[nodiscard]] StatusOr<std::vector<UseAt>> ReadUsesAt(Db& db, PromptPk prompt, SkillId skill);

// The last compaction of the session before the prompt; empty without one.
struct CompactionAt {
  std::optional<UtcMillis> at;
  std::optional<int64_t> source_offset;
};
[[nodiscard]] StatusOr<std::optional<CompactionAt>> CompactionBefore(Db& db,
                                                                     const PromptPlaceItem& prompt);

// The newest session of each host whose source says what was offered.
struct ListingSession {
  SessionPk session;
  std::string platform, session_id;
  std::optional<UtcMillis> started;
};
[[nodiscard]] StatusOr<std::vector<ListingSession>> NewestListings(Db& db);

}  // namespace selftune::store
