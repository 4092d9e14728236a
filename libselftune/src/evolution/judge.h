// Asks a model which queries a description would trigger: a proxy for the
// host's own choice, repeated so that a single answer never decides.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "llm/caller.h"
#include "stats/power.h"

namespace selftune::evolution {

// A query and what should happen. Views outlive the call.
struct JudgeEntry {
  std::string_view query;
  bool should_trigger = true;
};

// Answers of one side for one entry.
struct JudgeTally {
  int yes = 0, no = 0, invalid = 0;
  [[nodiscard]] int runs() const { return yes + no; }
  [[nodiscard]] int attempts() const { return runs() + invalid; }
  [[nodiscard]] bool scored() const { return runs() > 0; }
  // As many YES as NO: nobody knows, which is not a NO.
  [[nodiscard]] bool tied() const { return yes == no; }
  [[nodiscard]] bool triggered() const { return yes > no; }
  // Runs in which the entry came out as it should.
  [[nodiscard]] stats::RunTally Passes(bool should_trigger) const {
    return {.passes = should_trigger ? yes : no, .runs = runs()};
  }
  [[nodiscard]] bool Passed(bool should_trigger) const {
    return !tied() && triggered() == should_trigger;
  }
};

// The skill and its neighbourhood as the judge is told about it.
struct JudgeSubject {
  std::string skill;
  std::string description;
};

class Judge {
 public:
  // `seed` permutes the order of the queries from run to run.
  Judge(llm::Caller& caller, uint64_t seed) : caller_(caller), seed_(seed) {}

  // One more run for the entries at `which`, in batches of at most 50; adds to
  // `tallies` (one per entry). A missing or unreadable line is asked for once
  // more and then counts as invalid, never as NO.
  [[nodiscard]] Status AddRun(const JudgeSubject& subject, std::span<const JudgeEntry> entries,
                              std::span<const size_t> which, int run,
                              std::vector<JudgeTally>& tallies);

  // Up to three runs an entry; the third only where the first two differ.
  [[nodiscard]] StatusOr<std::vector<JudgeTally>> Evaluate(const JudgeSubject& subject,
                                                           std::span<const JudgeEntry> entries);
  // The answers of the last Evaluate() are not to be believed: they must not be
  // answered from the cache.
  void ForgetLast();

 private:
  [[nodiscard]] Status AskBatch(const JudgeSubject& subject, std::span<const JudgeEntry> entries,
                                std::span<const size_t> batch, int run, int attempt,
                                std::vector<JudgeTally>& tallies, std::vector<size_t>& unanswered);
  llm::Caller& caller_;
  uint64_t seed_;
  std::vector<llm::Question> last_;  // of the last Evaluate()
};

// Share of the runs that got no usable answer.
[[nodiscard]] double InvalidShare(std::span<const JudgeTally> tallies);

}  // namespace selftune::evolution
