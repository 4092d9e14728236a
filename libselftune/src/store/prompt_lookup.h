// Prompts by their number in a session, and what the model could see at one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "store/db.h"
#include "store/rows.h"

namespace selftune::store {

struct ExposureAt {
  bool recorded = false;  // false: the session's source says nothing about listings
  ExposureState state = ExposureState::kAbsent;
  ExposureCause cause = ExposureCause::kListing;
  std::optional<std::string> description;  // as shown
  std::string skill_path;
  std::string source_path;  // where the listing stands
  std::optional<int64_t> source_offset;
};

// State of `skill` (the name as the host lists it, case ignored) at the prompt.
[[nodiscard]] StatusOr<ExposureAt> ReadExposureAt(Db& db, PromptPk prompt, std::string_view skill);

// The cause a miss of `skill` at that state has.
[[nodiscard]] MissCause CauseOf(const ExposureAt& exposure);

// A prompt, and what its number is worth. Sources tell prompts in their order;
// hooks may be late or lost, so that between two prompts, one of which only a
// hook told, there may be others.
struct PlacedPrompt {
  PromptPk pk;             // 0 = there is none
  bool by_source = false;  // told by more than a hook
};
// The newest user prompt of the session before `here`, which has number `seq`.
// For one that its source told: among those that sources told.
[[nodiscard]] StatusOr<PlacedPrompt> UserPromptBefore(Db& db, SessionPk session, int32_t seq,
                                                      const PlacedPrompt& here);
// The user prompt with this number.
[[nodiscard]] StatusOr<PlacedPrompt> FindPrompt(Db& db, SessionPk session, int32_t seq);
// Text of the prompt with this number; "" when there is none or it was erased.
[[nodiscard]] StatusOr<std::string> ReadPromptText(Db& db, SessionPk session, int32_t seq);
// Is the prompt on the living branch, or did the person take it back? Inside a
// WriteTxn. True: that changed.
[[nodiscard]] StatusOr<bool> SetPromptActive(Db& db, SessionPk session, int32_t seq, bool active);
// Did the skill run in the turn of this prompt? Of a prompt that its source
// told, as far as the source says.
[[nodiscard]] StatusOr<bool> TriggeredAt(Db& db, const PlacedPrompt& prompt,
                                         std::string_view skill);

}  // namespace selftune::store
