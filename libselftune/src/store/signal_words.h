// What was drawn from people's words: pending signals, and the labels and
// misses that signals gave. It can be drawn again as long as the words are there.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <absl/functional/function_ref.h>

#include "base/error.h"
#include "base/time.h"
#include "store/db.h"
#include "store/ids.h"
#include "store/rows.h"

namespace selftune::store {

// Drops what was drawn from the prompt or put on it. A signal that somebody
// acted on stays. Inside a WriteTxn, as the next one.
[[nodiscard]] Status ForgetWords(Db& db, PromptPk prompt);
// ... from and on all prompts of the session.
[[nodiscard]] Status ForgetWords(Db& db, SessionPk session);

// What a drawing said. Whoever draws writes it; what was drawn before and is not
// among it goes.
struct DrawnWords {
  struct Said {
    PromptPk prompt;
    std::string what;  // of a signal kind and mention, of a label skill and source, of a miss skill
    friend auto operator<=>(const Said&, const Said&) = default;
  };
  std::set<Said> signals, labels, misses;

  void AddSignal(PromptPk prompt, std::string_view kind, std::string_view mention);
  void AddLabel(PromptPk prompt, std::string_view skill, std::string_view source);
  void AddMiss(PromptPk prompt, std::string_view skill);
};
// Drops what was drawn from the session before, but for what is in `drawn`.
[[nodiscard]] Status ForgetWordsBut(Db& db, SessionPk session, const DrawnWords& drawn);

// A prompt of a person that counts: not taken back, its text not erased.
struct PromptWords {
  int32_t seq = 0;
  std::string text;
  std::optional<UtcMillis> at;
};
struct SessionWords {
  std::vector<PromptWords> prompts;  // by number
  bool whole = true;  // false: texts were erased, what was drawn from them is all there is
  std::vector<std::string> skills;  // that signals of the session name, sorted
};
[[nodiscard]] StatusOr<SessionWords> ReadSessionWords(Db& db, SessionPk session);

// Sessions with a prompt that `says` is true for; of those that something was
// written about since then. Reads their prompts, some at a time; asks `go_on`
// between, and hands on what that fails with.
[[nodiscard]] StatusOr<std::vector<SessionPk>> SessionsThatSay(
    Db& db, UtcMillis since, absl::FunctionRef<bool(std::string_view text)> says,
    absl::FunctionRef<Status()> go_on);

// Sessions of whose prompts anything was drawn.
[[nodiscard]] StatusOr<std::vector<SessionPk>> SessionsWithWords(Db& db);

// What a signal says was missed at the session's prompts from `seq` on.
struct SignalMiss {
  PromptPk prompt;
  std::string skill;  // its name
  std::string cause;
};
[[nodiscard]] StatusOr<std::vector<SignalMiss>> SignalMisses(Db& db, SessionPk session,
                                                             int32_t seq);

// "/name ..." that a person typed and that was no command of the host.
struct TypedRequest {
  std::string platform;
  int32_t seq = 0;
  std::string text;
  std::optional<UtcMillis> at;
  Provenance origin;  // of the prompt, but for the record
  std::string record;
  std::vector<std::string> loaded;  // names of skills that ran or were read in its turn
};
[[nodiscard]] StatusOr<std::vector<TypedRequest>> ReadTypedRequests(Db& db, SessionPk session);

// Is there any prompt of a person?
[[nodiscard]] StatusOr<bool> AnyPrompt(Db& db);

}  // namespace selftune::store
