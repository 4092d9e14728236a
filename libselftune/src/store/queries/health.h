// What says how skills do: prompts at which one was needed, and sessions that
// were good or bad for it. For all skills at once, so that an overview costs a
// few queries; every one is bounded by the window.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/queries/skill_facts.h"
#include "store/rows.h"
#include "store/watch_rows.h"

namespace selftune::store {

// A (prompt, skill) somebody judged: a label, a miss, or both.
struct JudgedPrompt {
  SkillId skill;
  PromptPk prompt;
  std::optional<UtcMillis> at;
  std::string label;    // effective (see EffectiveLabel), "" = there is none
  bool missed = false;  // an effective row says so
  std::string cause;    // of the miss, "" = none
  // The label says no more than that the person typed the skill's command.
  bool by_command = false;
  bool by_model = false, by_user = false;  // who loaded the skill in this turn
};
// By skill, then prompt.
[[nodiscard]] StatusOr<std::vector<JudgedPrompt>> ReadJudgedPrompts(Db& db,
                                                                    const EvidenceScope& scope);

// Those at the prompts of one session, with the skills' names.
struct NamedJudgement {
  JudgedPrompt prompt;
  std::string skill;
};
[[nodiscard]] StatusOr<std::vector<NamedJudgement>> ReadJudgedInSession(Db& db, SessionPk session);
// A session and everything it started, the session first.
[[nodiscard]] StatusOr<std::vector<SessionPk>> ConversationOf(Db& db, SessionPk root);

// Sessions of people in which something speaks for or against a skill, oldest
// first. Like ReadSkillSessions, but without what was shown, and sessions that
// say nothing about the skill are left out: cost follows what was judged, not
// how much was used.
struct JudgedSession {
  SkillId skill;
  SkillSession session;
};
[[nodiscard]] StatusOr<std::vector<JudgedSession>> ReadJudgedSessions(Db& db,
                                                                      const EvidenceScope& scope);

}  // namespace selftune::store
