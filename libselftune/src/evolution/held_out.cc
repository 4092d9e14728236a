#include "evolution/held_out.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "base/status_macros.h"
#include "stats/power.h"

namespace selftune::evolution {
namespace {

std::vector<JudgeEntry> EntriesOf(const std::vector<HeldOutEntry>& held_out) {
  std::vector<JudgeEntry> out;
  out.reserve(held_out.size());
  for (const HeldOutEntry& entry : held_out) out.push_back({entry.query, entry.should_trigger});
  return out;
}

// Nothing more can be learned about an entry by another run.
bool Settled(const HeldOutEntry& entry) {
  const int runs = std::min(entry.before.runs(), entry.after.runs());
  if (runs == 0) return true;  // three times without an answer
  if (runs < stats::kMinRuns || entry.before.tied() || entry.after.tied()) return false;
  return stats::RunsWanted(entry.before.Passes(entry.should_trigger),
                           entry.after.Passes(entry.should_trigger)) <= runs;
}

}  // namespace

Status TestHeldOut(Judge& judge, const std::string& skill, const std::string& before,
                   const std::string& after, std::vector<HeldOutEntry>& entries) {
  const std::vector<JudgeEntry> queries = EntriesOf(entries);
  std::vector<JudgeTally> old_side(entries.size());
  std::vector<JudgeTally> new_side(entries.size());
  std::vector<size_t> open(entries.size());
  std::iota(open.begin(), open.end(), size_t{0});
  for (int run = 0; run < stats::kMaxRuns && !open.empty(); ++run) {
    // Both sides in the same window of time, in turns.
    ST_RETURN_IF_ERROR(judge.AddRun({skill, before}, queries, open, run, old_side));
    ST_RETURN_IF_ERROR(judge.AddRun({skill, after}, queries, open, run, new_side));
    for (const size_t i : open) {
      entries[i].before = old_side[i];
      entries[i].after = new_side[i];
    }
    if (run + 1 < stats::kMinRuns) continue;
    std::erase_if(open, [&](size_t i) { return Settled(entries[i]); });
  }
  for (HeldOutEntry& entry : entries) {
    entry.flaky = entry.before.attempts() >= stats::kMaxRuns &&
                  (stats::IsUnstable(entry.before.Passes(entry.should_trigger)) ||
                   stats::IsUnstable(entry.after.Passes(entry.should_trigger)));
  }
  return absl::OkStatus();
}

StatusOr<bool> JudgeDiscriminates(Judge& judge, const std::string& skill) {
  // A description made for its query, and a query that fits nothing like it.
  const std::string description = "Use when the user asks for the " + skill +
                                  " skill, or wants a train timetable of Ulm read "
                                  "aloud.";
  const std::string fitting =
      "Please use the " + skill + " skill to read me the train timetable of Ulm.";
  const std::string unfitting = "Rename the variable total to sum in this function.";
  const std::vector<JudgeEntry> controls = {{fitting, true}, {unfitting, false}};
  ST_ASSIGN_OR_RETURN(const std::vector<JudgeTally> tallies,
                      judge.Evaluate({skill, description}, controls));
  const bool discriminates = tallies[0].Passed(true) && tallies[1].Passed(false);
  if (!discriminates) judge.ForgetLast();  // the next run asks again
  return discriminates;
}

StatusOr<NeighbourTest> TestNeighbours(Judge& judge, const EvolveInput& input,
                                       const std::string& candidate) {
  NeighbourTest out;
  std::vector<JudgeEntry> queries;
  for (const Neighbour& neighbour : input.neighbours) {
    for (const std::string& query : neighbour.should_queries) queries.push_back({query, false});
  }
  if (queries.empty()) return out;
  ST_ASSIGN_OR_RETURN(const std::vector<JudgeTally> before,
                      judge.Evaluate({input.skill, input.current}, queries));
  ST_ASSIGN_OR_RETURN(const std::vector<JudgeTally> after,
                      judge.Evaluate({input.skill, candidate}, queries));
  for (size_t i = 0; i < queries.size(); ++i) {
    if (before[i].yes > 0) continue;  // it was not left alone before
    if (before[i].tied() || after[i].tied()) {
      ++out.undecided;
    } else {
      out.losses += after[i].triggered() ? 1 : 0;
    }
  }
  return out;
}

}  // namespace selftune::evolution
