#include "monitoring/outcome.h"

#include <string_view>

namespace selftune::monitoring {

Outcome JudgeSession(const store::SkillSession& session,
                     std::string_view expected_description_sha256) {
  if (session.edited) return {std::nullopt, "edited"};
  if (!expected_description_sha256.empty() && !session.shown_sha256.empty() &&
      session.shown_sha256 != expected_description_sha256) {
    return {std::nullopt, "other_version"};
  }
  if (session.answers == 0) return {std::nullopt, "no_answer"};
  // Bad: it was needed and did not come by itself, or came and was not wanted.
  if (session.missed_before_auto) return {false, "missed"};
  if (session.unwanted) return {false, "unwanted"};
  if (session.rejected_label) return {false, "rejected_by_label"};
  // Good: it came by itself, and somebody said that this was right.
  if (session.auto_triggered && session.wanted_label) return {true, "wanted_by_label"};
  // Started by the person's own command: the model was not asked. That it would
  // not have come by itself is nobody's word, and a copy that came later is no
  // judgement either.
  if (session.started_before_auto) return {std::nullopt, "started_by_hand"};
  if (session.auto_triggered && session.user_started) return {true, "used_again_by_hand"};
  return {std::nullopt, "no_label"};
}

}  // namespace selftune::monitoring
