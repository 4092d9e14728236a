#include "stats/power.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "stats/beta.h"
#include "stats/sign_test.h"

namespace selftune::stats {
namespace {

constexpr int kRunSteps[] = {kMinRuns, 5, kMaxRuns};
constexpr double kStableAgreement = 5.0 / 7.0;

// found[m]: probability that m differing entries are significant, when each of
// them is a gain with probability `share`.
std::vector<double> FoundGivenDifferences(int64_t n, double share, double alpha) {
  std::vector<double> found(static_cast<size_t>(n) + 1, 0.0);
  int64_t k = 0;  // smallest significant number of gains; grows with m
  for (int64_t m = 1; m <= n; ++m) {
    while (k <= m && SignTest(k, m - k) > alpha) ++k;
    if (k <= m) found[static_cast<size_t>(m)] = BinomialAtLeast(k, m, share);
  }
  return found;
}

double PowerFrom(const std::vector<double>& found, int64_t n, double differ) {
  double power = 0;
  for (int64_t m = 1; m <= n; ++m) {
    power += BinomialPmf(m, n, differ) * found[static_cast<size_t>(m)];
  }
  return std::min(1.0, power);
}

double AgreementOf(const RunTally& tally) {
  const int larger = std::max(tally.passes, tally.runs - tally.passes);
  return tally.runs == 0 ? 0 : static_cast<double>(larger) / tally.runs;
}

}  // namespace

double SignTestPower(int64_t n, double gain, double loss, double alpha) {
  const double differ = gain + loss;
  if (n <= 0 || differ <= 0) return 0;
  return PowerFrom(FoundGivenDifferences(n, gain / differ, alpha), n, differ);
}

std::optional<double> MinimumDetectableGain(int64_t n, double alpha, double power) {
  if (n <= 0) return std::nullopt;
  const std::vector<double> found = FoundGivenDifferences(n, /*share=*/1, alpha);
  for (int percent = 1; percent <= 100; ++percent) {
    const double gain = percent / 100.0;
    if (PowerFrom(found, n, gain) >= power) return gain;
  }
  return std::nullopt;
}

std::optional<int64_t> EntriesForPower(double gain, double loss, double alpha, double power,
                                       int64_t limit) {
  const double differ = gain + loss;
  if (differ <= 0 || limit <= 0) return std::nullopt;
  const std::vector<double> found = FoundGivenDifferences(limit, gain / differ, alpha);
  for (int64_t n = 1; n <= limit; ++n) {
    if (PowerFrom(found, n, differ) >= power) return n;
  }
  return std::nullopt;
}

double MajorityError(double error, int runs) { return BinomialAtLeast(runs / 2 + 1, runs, error); }

double DisagreeProbability(double error, int runs) {
  return 1 - BinomialPmf(0, runs, error) - BinomialPmf(runs, runs, error);
}

double ExpectedRunsOfThree(double error) { return 2 + 2 * error * (1 - error); }

int RunsWanted(const RunTally& before, const RunTally& after) {
  const int runs = std::min(before.runs, after.runs);
  if (runs < kRunSteps[0]) return kRunSteps[0];
  const bool same = before.majority() == after.majority();
  if (same || (before.unanimous() && after.unanimous())) return runs;
  for (const int step : kRunSteps) {
    if (step > runs) return step;
  }
  return runs;
}

bool IsUnstable(const RunTally& tally) { return AgreementOf(tally) < kStableAgreement; }

}  // namespace selftune::stats
