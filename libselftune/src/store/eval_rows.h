// Evidence for and against a skill at real prompts, and the eval set drawn
// from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/rows.h"

namespace selftune::store {

// So much of a prompt is kept as the query of an entry.
inline constexpr size_t kMaxQueryCodePoints = 500;

// Why a prompt says something about a skill.
enum class EvidenceKind {
  kLabelShould,     // somebody said that it should run
  kLabelShouldNot,  // somebody said that it should not
  kTriggered,       // the model loaded it and nobody complained
  kStarted,         // the person started it by hand
  kSibling,         // the model loaded another skill for this prompt
  kUnclear,         // labelled, and nobody can tell: the strongest labels disagree or do not know
};

struct PromptEvidence {
  EvidenceKind kind = EvidenceKind::kTriggered;
  PromptPk prompt;
  std::string session_id, prompt_id, text;
  std::string reason;       // of a label: signal grader curated
  std::string miss_cause;   // of a label should without a use, "" = it ran
  std::string other_skill;  // kSibling: the skill that ran
  std::optional<UtcMillis> at;
};

// Prompts of people that say something about `skill`, oldest first. Siblings:
// at most `max_siblings` of the newest.
[[nodiscard]] StatusOr<std::vector<PromptEvidence>> ReadPromptEvidence(Db& db,
                                                                       std::string_view skill,
                                                                       int64_t max_siblings);

// `source` of entries that a person named in a file.
inline constexpr std::string_view kOfFile = "file";

struct EvalEntryRow {
  std::string entry_id, query, invocation_type, source, split, cluster, extra;
  bool should_trigger = true;
  double label_confidence = 1;
  UtcMillis first, last;
};
// Replaces the active set; entries keep their split as long as their text stays. One whose words
// were forgotten stays without them, and out of the set, whoever says them: only who names them
// in a file has them there again.
[[nodiscard]] Status StoreEvalEntries(Db& db, std::string_view skill,
                                      const std::vector<EvalEntryRow>& entries, UtcMillis now);
// All entries the skill ever had: one that left the set keeps its side.
[[nodiscard]] StatusOr<std::vector<EvalEntryRow>> ReadEvalEntries(Db& db, std::string_view skill);

// One judged answer of a validation.
struct ReplayRow {
  std::string_view proposal_id, run_id, phase;  // before after
  int64_t entry_no = 0, rep = 1;
  std::string_view skill, query;
  bool should_trigger = true;
  std::optional<bool> triggered;  // empty = no valid answer
};
[[nodiscard]] Status AddReplayResults(Db& db, const std::vector<ReplayRow>& rows, UtcMillis now);

}  // namespace selftune::store
