// Why a skill did not run: the cause, the rows behind it and what would fix it.
// No model is asked; what cannot be known is said to be unknown.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "skillfs/discovery.h"
#include "store/db.h"
#include "store/queries/skills.h"

namespace selftune::status {

struct WhyEvidence {
  std::string check;             // "exposure"
  std::string result;            // what was found, one line
  std::string source_path = {};  // where it stands, "" = in the store alone
  std::optional<int64_t> source_offset = {}, source_line = {};
};

struct WhyAnswer {
  std::string skill;
  // At a prompt: used used_by_command refused requested, or the cause of a
  // miss: description not_installed not_listed truncated compacted shadowed
  // disabled unknown. For a free text: one of these, or would_match competing
  // no_overlap. Without a prompt: what holds for most misses, or no_misses.
  std::string cause;
  // Of the miss at the prompt, else of most misses, as it is stored: told by what was recorded
  // then. `cause` is judged by files and settings as well, as they are now, and may be another
  // one; that is no evidence of then.
  std::optional<std::string> missed_cause;
  std::string explanation;
  std::optional<bool> expected;  // should it have run? empty = nobody said
  std::vector<WhyEvidence> evidence;
  std::string fix;          // "" = nothing to do
  std::string fix_command;  // "" = none
};

// What else the question says.
struct WhyScope {
  std::string_view skill_path = {};  // the copy that is meant, "" = whichever the host offers
  std::string_view platform = {};    // "" = all; of a prompt in a session its own counts
  // Working directory from which copies are looked at, absolute; "" = from anywhere. Of a
  // prompt in a session its own counts.
  std::string_view cwd = {};
  // Nobody named that folder: of a skill that is not seen from there, the copies elsewhere count.
  bool or_elsewhere = false;
  // What the hosts that are here find on the disk now; null: what the last sync
  // wrote down is all there is.
  const skillfs::Discovery* found = nullptr;
};

// The prompt with this number of a session.
[[nodiscard]] StatusOr<WhyAnswer> WhyAt(store::Db& db, const store::SkillRef& skill,
                                        store::SessionPk session, int32_t prompt_index,
                                        const WhyScope& scope = {});
// A text that nobody typed yet.
[[nodiscard]] StatusOr<WhyAnswer> WhyText(store::Db& db, const store::SkillRef& skill,
                                          std::string_view prompt, const WhyScope& scope = {});
// The skill in general.
[[nodiscard]] StatusOr<WhyAnswer> WhyAtAll(store::Db& db, const store::SkillRef& skill,
                                           const WhyScope& scope = {});

}  // namespace selftune::status
