// The labelled queries of one skill, drawn from evidence: what should trigger
// it, what should not, and which of them a proposer may see.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "stats/seeded_split.h"
#include "store/db.h"
#include "store/eval_rows.h"

namespace selftune::eval {

struct EvalEntry {
  std::string id;     // 12 hex characters, from skill and normalised text
  std::string query;  // at most 500 code points
  bool should_trigger = true;
  std::string invocation_type;  // explicit implicit contextual negative
  std::string source;           // log file; of an import also synthetic blended unknown
  std::string reason;           // label_should triggered started label_should_not sibling imported
  double label_confidence = 1;
  stats::Split split = stats::Split::kTrain;
  std::string cluster;               // id of the first of its near duplicates
  std::vector<std::string> prompts;  // prompt ids behind it, at most 5
  bool missed = false;               // it did not trigger, and the description can be blamed
  bool truncated = false;
  UtcMillis first, last;
};

struct EvalSet {
  std::string skill;
  std::vector<EvalEntry> entries;          // positives, then negatives; by id
  std::map<std::string, int64_t> hygiene;  // category -> prompts left out
  int64_t suppressed = 0;                  // talk about the skill itself
  std::map<std::string, int64_t> causes;   // of all known misses
  int64_t other_causes = 0;                // misses that no description can cure
  std::string sha256;                      // hex, of ids, labels and splits

  [[nodiscard]] int64_t Count(bool should_trigger, bool held_out) const;
};

struct EvalSetOptions {
  int64_t max_per_side = 50;
  int64_t max_siblings = 2000;
  std::string source = "log";  // of the entries: log, file
};

// Pure part: from evidence rows to entries. Absence of a trigger is never a
// negative; a text with evidence both ways is left out of the negatives.
// `known`: entries of all earlier sets, which keep their side.
[[nodiscard]] EvalSet BuildEvalSet(std::string_view skill,
                                   const std::vector<store::PromptEvidence>& evidence,
                                   const std::vector<store::EvalEntryRow>& known,
                                   const EvalSetOptions& options);

// Reads the evidence and builds the set; writes nothing.
[[nodiscard]] StatusOr<EvalSet> LoadEvalSet(store::Db& db, std::string_view skill,
                                            const EvalSetOptions& options);

// Inside a WriteTxn.
[[nodiscard]] Status StoreEvalSet(store::Db& db, const EvalSet& set, UtcMillis now);

// Parts of it, for entries that come from elsewhere.
using store::kMaxQueryCodePoints;
// The same for all spellings of a query that differ in white space and case only.
[[nodiscard]] std::string EntryId(std::string_view skill, std::string_view query);
// Gives each entry its side and its cluster. `known` as for BuildEvalSet.
void AssignSides(std::string_view skill, const std::vector<store::EvalEntryRow>& known,
                 std::vector<EvalEntry>& entries);
[[nodiscard]] std::vector<store::EvalEntryRow> RowsOf(const std::vector<EvalEntry>& entries);

}  // namespace selftune::eval
