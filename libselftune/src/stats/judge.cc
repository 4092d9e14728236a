#include "stats/judge.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace selftune::stats {
namespace {

constexpr double kMinKappa = 0.6;
constexpr int64_t kMinLabels = 30;

double Ratio(int64_t part, int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

Agreement CohenKappa(const AgreementTable& table) {
  Agreement result;
  const int64_t n = table.total();
  if (n == 0) return result;
  const int64_t judge_pass = table.both_pass + table.judge_only;
  const int64_t human_pass = table.both_pass + table.human_only;
  const int64_t human_fail = n - human_pass;
  result.observed = Ratio(table.both_pass + table.both_fail, n);
  result.expected =
      Ratio(judge_pass, n) * Ratio(human_pass, n) + Ratio(n - judge_pass, n) * Ratio(human_fail, n);
  // Only one answer ever given by both: nothing to exceed chance by.
  result.kappa =
      result.expected >= 1 ? 1 : (result.observed - result.expected) / (1 - result.expected);
  if (human_pass > 0) result.sensitivity = Ratio(table.both_pass, human_pass);
  if (human_fail > 0) result.specificity = Ratio(table.both_fail, human_fail);
  result.calibrated = result.kappa >= kMinKappa && n >= kMinLabels;
  return result;
}

std::optional<double> CorrectedRate(double observed, double sensitivity, double specificity) {
  const double information = sensitivity + specificity - 1;
  if (!(information > 0)) return std::nullopt;
  return std::clamp((observed + specificity - 1) / information, 0.0, 1.0);
}

double BrierScore(std::span<const ScoredOutcome> outcomes) {
  if (outcomes.empty()) return 0;
  double sum = 0;
  for (const ScoredOutcome& outcome : outcomes) {
    const double error = outcome.score - (outcome.pass ? 1 : 0);
    sum += error * error;
  }
  return sum / static_cast<double>(outcomes.size());
}

double ExpectedCalibrationError(std::span<const ScoredOutcome> outcomes, int bins) {
  if (outcomes.empty() || bins < 1) return 0;
  struct Bin {
    double scores = 0;
    double passes = 0;
  };
  std::vector<Bin> sums(static_cast<size_t>(bins));
  for (const ScoredOutcome& outcome : outcomes) {
    const double score = std::clamp(outcome.score, 0.0, 1.0);
    const auto index = std::min(static_cast<size_t>(score * bins), sums.size() - 1);
    sums[index].scores += score;
    sums[index].passes += outcome.pass ? 1 : 0;
  }
  // n_bin / n * |mean score - pass rate| = |sum of scores - passes| / n
  double error = 0;
  for (const Bin& bin : sums) error += std::abs(bin.scores - bin.passes);
  return error / static_cast<double>(outcomes.size());
}

ClusteredMean MeanByCluster(std::span<const ClusteredValue> values) {
  ClusteredMean result;
  if (values.empty()) return result;
  const auto n = static_cast<double>(values.size());
  for (const ClusteredValue& value : values) result.mean += value.value / n;
  std::map<uint64_t, double> deviations;  // ordered: the sum is reproducible
  double iid = 0;
  for (const ClusteredValue& value : values) {
    const double deviation = value.value - result.mean;
    deviations[value.cluster] += deviation;
    iid += deviation * deviation;
  }
  double clustered = 0;
  for (const auto& [cluster, sum] : deviations) clustered += sum * sum;
  result.se = std::sqrt(clustered) / n;
  result.se_iid = std::sqrt(iid) / n;
  if (iid > 0) result.design_effect = clustered / iid;
  return result;
}

}  // namespace selftune::stats
