// What words of the reference mean here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/vocabulary.h"

namespace selftune::upstream {

// The host in a "source" of the reference (`codex_rollout_explicit`); "" = none.
[[nodiscard]] std::string_view HostOfSource(std::string_view source);
// The subagent whose transcript the reference took for a session of its own: it names one
// after its file, `agent-<id>`; "" = it is none.
[[nodiscard]] std::string_view AgentOfSession(std::string_view platform,
                                              std::string_view session_id);
// Can it be the name of a host?
[[nodiscard]] bool IsHostName(std::string_view platform);
[[nodiscard]] std::optional<Completion> ParseCompletion(std::string_view word);
[[nodiscard]] std::optional<SignalKind> ParseSignalKind(std::string_view word);
// The word when it is a kind of prompt that no person typed, else "unknown".
[[nodiscard]] std::string_view OtherKind(std::string_view kind);
// Texts of the reference's own evaluations, and what hosts wrap around prompts.
[[nodiscard]] bool IsPolluted(std::string_view text, std::string_view kind);
[[nodiscard]] bool IsScope(std::string_view word);

// What a recorded decision about a skill was.
struct UseWords {
  Outcome outcome = Outcome::kTriggered;
  Level level = Level::kTool;
  Route route = Route::kSkillTool;
  RequestedBy requested_by = RequestedBy::kModel;
  std::string_view mode;  // "" = a word that is not known
  double confidence = 1;  // when none is recorded
};
// `capture`: its capture_mode; `tool`: its tool_name.
[[nodiscard]] UseWords UseOf(bool triggered, std::string_view mode, std::string_view capture,
                             std::string_view tool);

}  // namespace selftune::upstream
