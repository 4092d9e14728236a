// What one session of a person says about one skill, put together from its rows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "store/db.h"
#include "store/ids.h"

namespace selftune::store {

// Who loaded a skill at one prompt.
enum class LoadedBy {
  kNobody,    // and nothing says that the model could not have
  kHidden,    // nobody: the model could not see it there
  kByPerson,  // the person's own command, or nobody knows who
  kByModel,
};

struct SkillSession {
  SessionPk session;
  std::string session_id, platform;
  UtcMillis started;
  int64_t answers = 0;
  bool auto_triggered = false;       // the model loaded it
  bool user_started = false;         // the person started it by hand
  bool started_before_auto = false;  // ... before the model ever did
  bool missed = false;               // asked for or missed, cause description or unknown
  bool missed_before_auto = false;
  bool unwanted = false;        // signal, or a label should_not at a use
  bool wanted_label = false;    // grader or curated: should, at a prompt where the model loaded it
  bool rejected_label = false;  // grader or curated: should not, at such a prompt
  bool edited = false;          // its SKILL.md was changed in the session
  std::string shown_sha256;     // hex of the description shown last, "" = unknown

  // Takes in one effective row of the skill; rows come in the order of time. A
  // use of which nobody knows who asked for it counts neither for the model nor
  // for the person.
  void AddUse(std::string_view outcome, std::string_view requested_by, std::string_view cause);
  // Takes in a label of a grader or a curated one, after the uses.
  void AddVerdict(std::string_view label, LoadedBy use);
};

// What the rows of the skill say about that prompt.
[[nodiscard]] StatusOr<LoadedBy> ReadLoadedBy(Db& db, PromptPk prompt, SkillId skill);

}  // namespace selftune::store
