// What hooks told, until the transcript tells it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "store/db.h"
#include "store/ids.h"

namespace selftune::store {

// Where a transcript went on past something that only a hook saw, the hook is
// not believed: a blocked prompt stays, not actionable; a use is not effective.
// What no transcript has reached yet stays as it is. Inside a WriteTxn.
[[nodiscard]] Status SettleHookEvidence(Db& db);

// Prompts of the session that only an import knows, and that its transcript, which was
// read, does not: they stay, not actionable. Inside a WriteTxn.
[[nodiscard]] Status RefuteImported(Db& db, SessionPk session);

// A hook of this host told something then, whatever became of it. Inside a WriteTxn.
[[nodiscard]] Status NoteHookEvent(Db& db, std::string_view platform, UtcMillis at);
// The latest; nothing when none ever did.
[[nodiscard]] StatusOr<std::optional<UtcMillis>> LastHookEvent(Db& db, std::string_view platform);

struct TurnPrompt {
  PromptPk pk;  // 0 = the session has none
  int32_t seq = 0;
  std::string text;
};
// The newest prompt with this turn id of the host, else the newest of all.
[[nodiscard]] StatusOr<TurnPrompt> FindTurn(Db& db, SessionPk session, std::string_view native_id);

// NOT_FOUND when there is no such prompt.
[[nodiscard]] StatusOr<int32_t> SeqOfPrompt(Db& db, PromptPk prompt);

struct TurnUse {
  std::string skill;  // as the host writes it
  bool read = false;  // its file was read; else a stronger route
  bool by_hook = false;
  std::string call_id;
};
// A subagent's session is one turn: `prompt` is 0.
[[nodiscard]] StatusOr<std::vector<TurnUse>> UsesOfTurn(Db& db, SessionPk session, PromptPk prompt);

}  // namespace selftune::store
