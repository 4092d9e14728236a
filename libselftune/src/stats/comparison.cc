#include "stats/comparison.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "stats/beta.h"
#include "stats/sign_test.h"

namespace selftune::stats {
namespace {

constexpr double kMaxUnscored = 0.05;
constexpr double kMaxFlaky = 0.20;
constexpr double kAlpha = 0.05;
constexpr double kWeakAlpha = 0.25;
constexpr double kOvertriggerAlpha = 0.10;
constexpr int64_t kOvertriggerMin = 2;
constexpr size_t kExactPairs = 1600;  // sizes multiplied, up to which ranks are counted out

struct Ruling {
  Verdict verdict = Verdict::kNoEvidence;
  std::string_view reason;
};

// The rules that end a comparison before its p-value is asked.
std::optional<Ruling> RuledOut(const ComparisonInput& in) {
  if (in.controls_failed) return Ruling{Verdict::kHarnessInvalid, ""};
  const auto total = static_cast<double>(in.n + in.unscored + in.flaky);
  if (static_cast<double>(in.unscored) > kMaxUnscored * total) {
    return Ruling{Verdict::kInconclusive, "judge_unreliable"};
  }
  if (static_cast<double>(in.flaky) > kMaxFlaky * total) {
    return Ruling{Verdict::kInconclusive, "flaky"};
  }
  if (in.explicit_regression) return Ruling{Verdict::kRejected, "explicit_regression"};
  if (in.losses > std::max<int64_t>(1, in.n / 20)) return Ruling{Verdict::kRejected, "regressions"};
  if (in.new_false_positives >= kOvertriggerMin &&
      SignTest(in.new_false_positives, in.fixed_false_positives) <= kOvertriggerAlpha) {
    return Ruling{Verdict::kRejected, "overtriggering"};
  }
  return std::nullopt;
}

Verdict ByEvidence(const ComparisonInput& in, double p_one_sided, double p_two_sided) {
  if (in.adjusted_p.value_or(p_one_sided) <= kAlpha) {
    return in.cap_at_weak ? Verdict::kWeakImprovement : Verdict::kImproved;
  }
  if (in.gains > in.losses && p_one_sided <= kWeakAlpha) return Verdict::kWeakImprovement;
  if (in.losses > in.gains && p_two_sided <= kAlpha) return Verdict::kWorse;
  return Verdict::kNoEvidence;
}

// Rank sum of the sample (mid-ranks for ties) and sum of t^3 - t over ties.
struct Ranks {
  double sum = 0;
  double ties = 0;
};

Ranks RankSum(std::span<const double> sample, std::span<const double> reference) {
  struct Value {
    double value;
    bool sample;
  };
  std::vector<Value> all;
  for (const double value : sample) all.push_back({value, true});
  for (const double value : reference) all.push_back({value, false});
  std::sort(all.begin(), all.end(),
            [](const Value& a, const Value& b) { return a.value < b.value; });
  Ranks ranks;
  for (size_t begin = 0; begin < all.size();) {
    size_t end = begin;
    while (end < all.size() && all[end].value == all[begin].value) ++end;
    const auto size = static_cast<double>(end - begin);
    const double rank = static_cast<double>(begin + end + 1) / 2;  // mean of begin+1 .. end
    for (size_t i = begin; i < end; ++i) ranks.sum += all[i].sample ? rank : 0;
    ranks.ties += size * size * size - size;
    begin = end;
  }
  return ranks;
}

// P(rank sum of n of n + m untied values >= sum), every choice equally likely.
double ExactRankTail(size_t n, size_t m, double sum) {
  const size_t total = n + m;
  const size_t most = total * (total + 1) / 2;
  // ways[k][s]: choices of k of the ranks so far with sum s
  std::vector<std::vector<double>> ways(n + 1, std::vector<double>(most + 1, 0.0));
  ways[0][0] = 1;
  for (size_t rank = 1; rank <= total; ++rank) {
    for (size_t k = std::min(rank, n); k >= 1; --k) {
      for (size_t s = rank; s <= most; ++s) ways[k][s] += ways[k - 1][s - rank];
    }
  }
  const auto from = static_cast<size_t>(std::llround(sum));
  const double all = std::accumulate(ways[n].begin(), ways[n].end(), 0.0);
  const double tail =
      std::accumulate(ways[n].begin() + static_cast<std::ptrdiff_t>(from), ways[n].end(), 0.0);
  return tail / all;
}

}  // namespace

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kHarnessInvalid:
      return "harness_invalid";
    case Verdict::kInconclusive:
      return "inconclusive";
    case Verdict::kRejected:
      return "rejected";
    case Verdict::kImproved:
      return "improved";
    case Verdict::kWeakImprovement:
      return "weak_improvement";
    case Verdict::kWorse:
      return "worse";
    case Verdict::kNoEvidence:
      return "no_evidence";
  }
  return "no_evidence";
}

Comparison Compare(const ComparisonInput& input) {
  Comparison result;
  result.p_one_sided = SignTest(input.gains, input.losses);
  result.p_two_sided = McNemarTwoSided(input.gains, input.losses);
  if (const std::optional<Ruling> ruling = RuledOut(input)) {
    result.verdict = ruling->verdict;
    result.reason = ruling->reason;
    return result;
  }
  result.verdict = ByEvidence(input, result.p_one_sided, result.p_two_sided);
  if (result.verdict == Verdict::kWeakImprovement || result.verdict == Verdict::kNoEvidence) {
    result.needed_gains = MinGains(input.losses, kAlpha);
    const int64_t per = std::max<int64_t>(input.gains, 1);
    result.entries_hint = (input.n * *result.needed_gains + per - 1) / per;
  }
  return result;
}

std::vector<double> HolmAdjust(std::span<const double> p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double running = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    const double scaled = p[order[i]] * static_cast<double>(p.size() - i);
    running = std::max(running, std::min(1.0, scaled));
    adjusted[order[i]] = running;
  }
  return adjusted;
}

double FisherTwoSided(int64_t a, int64_t n1, int64_t b, int64_t n2) {
  if (n1 <= 0 || n2 <= 0) return 1;
  const int64_t successes = a + b;
  const double log_all = LogChoose(n1 + n2, successes);
  const auto probability = [&](int64_t x) {
    return std::exp(LogChoose(n1, x) + LogChoose(n2, successes - x) - log_all);
  };
  // As likely or less, with room for rounding among equally likely tables.
  const double limit = probability(a) * (1 + 1e-7);
  double sum = 0;
  const int64_t last = std::min(n1, successes);
  for (int64_t x = std::max<int64_t>(0, successes - n2); x <= last; ++x) {
    if (const double p = probability(x); p <= limit) sum += p;
  }
  return std::min(1.0, sum);
}

double MannWhitneyGreater(std::span<const double> sample, std::span<const double> reference) {
  if (sample.empty() || reference.empty()) return 1;
  const Ranks ranks = RankSum(sample, reference);
  if (ranks.ties == 0 && sample.size() * reference.size() <= kExactPairs) {
    return ExactRankTail(sample.size(), reference.size(), ranks.sum);
  }
  const auto n = static_cast<double>(sample.size());
  const auto m = static_cast<double>(reference.size());
  const double total = n + m;
  const double u = ranks.sum - n * (n + 1) / 2;
  const double variance = n * m / 12 * (total + 1 - ranks.ties / (total * (total - 1)));
  if (!(variance > 0)) return 1;
  const double z = (u - n * m / 2 - 0.5) / std::sqrt(variance);
  return 0.5 * std::erfc(z / std::sqrt(2.0));
}

}  // namespace selftune::stats
