// How much a held-out set can show, and what repeated runs are worth.
#pragma once

#include <cstdint>
#include <optional>

namespace selftune::stats {

// Probability that SignTest(gains, losses) <= alpha over `n` entries, each
// gained with probability `gain` and lost with `loss`. O(n^2).
[[nodiscard]] double SignTestPower(int64_t n, double gain, double loss, double alpha);

// Smallest true gain (steps of 0.01, no losses) found with probability
// `power`; nullopt when not even a gain of 1 is. Above 0.5, that is below 12
// entries, evolution refuses to start.
[[nodiscard]] std::optional<double> MinimumDetectableGain(int64_t n, double alpha = 0.05,
                                                          double power = 0.8);

// Smallest n with that power; nullopt above `limit`.
[[nodiscard]] std::optional<int64_t> EntriesForPower(double gain, double loss, double alpha = 0.05,
                                                     double power = 0.8, int64_t limit = 2000);

// Repeated runs, each wrong with probability `error`, `runs` odd.
[[nodiscard]] double MajorityError(double error, int runs);
// Probability that the runs do not all agree.
[[nodiscard]] double DisagreeProbability(double error, int runs);
// Runs spent on a majority of three when the third is skipped after two equal.
[[nodiscard]] double ExpectedRunsOfThree(double error);

// Runs of one entry on one side.
struct RunTally {
  int passes = 0;
  int runs = 0;
  [[nodiscard]] bool majority() const { return 2 * passes > runs; }
  [[nodiscard]] bool unanimous() const { return passes == 0 || passes == runs; }
};
inline constexpr int kMinRuns = 3;
inline constexpr int kMaxRuns = 7;
// Runs a side should have had before the entry is judged (3, 5 or 7). Equal to
// the present number when nothing more is needed.
[[nodiscard]] int RunsWanted(const RunTally& before, const RunTally& after);
// Agreement below 5 of 7: after all runs that may be made, such an entry is
// flaky, that is reported and not counted.
[[nodiscard]] bool IsUnstable(const RunTally& tally);

}  // namespace selftune::stats
