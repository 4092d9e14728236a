// Erases what people said, and keeps it erased: rows and figures stay.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/time.h"
#include "store/db.h"

namespace selftune::store {

// All that are given must hold; at least one must be.
struct ForgetOptions {
  std::string session;              // its id; with its subagents
  std::string workspace;            // this folder and those below; with subagents
  std::string skill;                // prompts that this skill was used, asked or missed at
  std::optional<UtcMillis> before;  // said before
  std::string match;                // prompts with these words, whatever their case
  // What the store remembers to have forgotten and holds all the same: with nothing else.
  bool again = false;
  // A matter of days, not of a person's wish: replies of models that are younger
  // than `before` stay.
  bool retention = false;
  // For another forget of this store that is at work.
  std::chrono::milliseconds wait{std::chrono::seconds(60)};
  const base::Cancel* cancel = nullptr;

  [[nodiscard]] bool empty() const {
    return session.empty() && workspace.empty() && skill.empty() && !before.has_value() &&
           match.empty() && !again;
  }
  // Everything from before a moment, whoever said it.
  [[nodiscard]] bool only_before() const {
    return before.has_value() && session.empty() && workspace.empty() && skill.empty() &&
           match.empty();
  }
  // Words, whoever said them.
  [[nodiscard]] bool only_words() const {
    return !match.empty() && session.empty() && workspace.empty() && skill.empty() &&
           !before.has_value();
  }
  // Everything that the sessions said and will say.
  [[nodiscard]] bool whole_sessions() const {
    return skill.empty() && !before.has_value() && match.empty() && !again;
  }
};

struct ForgetReport {
  int64_t sessions = 0;      // with prompts that were erased
  int64_t prompts = 0;       // whose words were erased now
  int64_t arguments = 0;     // of uses of skills
  int64_t texts = 0;         // that nothing needs any more: gone, or empty
  int64_t eval_entries = 0;  // that were made of them: out of their set, if they were in it
  int64_t cached_replies = 0;
  int64_t audit_steps = 0;   // that quoted them
  int64_t quotes = 0;        // rows of proposals, replays and labels that did
  bool left_in_log = false;  // somebody reads what was before: the log keeps it for now
  [[nodiscard]] bool changed() const {
    return prompts + arguments + texts + audit_steps + quotes > 0;
  }
};

// Words of prompts, arguments of skills and commands, and details of events go;
// so do texts nobody else said, cached replies of models (they may quote), and
// eval entries of those texts; and with `before` or `match` alone those of imported sets
// that no prompt here says. The store remembers keys of what it forgot, so
// that reading the transcripts again does not bring it back: a session that was
// forgotten whole stays so when it goes on, and with `before` alone nothing from
// before that moment is ever kept. The bytes are overwritten (secure_delete) and
// the log is folded in. Steps of the audit stay; quotes in them go, and their chain is
// hashed anew. In short transactions; cut off, the same call goes on.
// One at a time: LOCK_HELD when another one goes on for longer than `wait`.
// SESSION_NOT_FOUND, SKILL_NOT_FOUND.
[[nodiscard]] StatusOr<ForgetReport> Forget(Db& db, const ForgetOptions& options, UtcMillis now);

// A store of before has taken the place of the one at `former`: does that one remember to have
// forgotten what this one does not? Neither is changed.
[[nodiscard]] StatusOr<bool> ForgotMore(const std::string& former, const std::string& path);
// What it remembers is forgotten here as well.
[[nodiscard]] StatusOr<ForgetReport> ForgetAgain(Db& db, const std::string& former, UtcMillis now,
                                                 const base::Cancel* cancel = nullptr);

// Forgets what is older than `days`, once a day; an empty report when there is
// nothing to do, or another forget is at work: then the next time. A day begins at midnight UTC.
[[nodiscard]] StatusOr<ForgetReport> ApplyRetention(Db& db, int64_t days, UtcMillis now,
                                                    const base::Cancel* cancel);

// Of the words with this SHA-256 (32 bytes): the row that stands for them where
// they are forgotten. The same words share one, so that counting texts still works.
[[nodiscard]] std::string ErasedBodyKey(std::string_view text_sha256);
[[nodiscard]] StatusOr<BodyId> ErasedBody(Db& db, std::string_view text_sha256, UtcMillis now);
// Rows of that kind for what eval sets may have of them, so that an import knows it.
[[nodiscard]] Status EraseQueries(Db& db, const std::vector<std::string>& queries, UtcMillis now);

}  // namespace selftune::store
