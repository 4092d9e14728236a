// The verdict of a comparison of two sides on the same entries, as every
// report words it. It never deploys anything (promotion.h does).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace selftune::stats {

enum class Verdict {
  kHarnessInvalid,
  kInconclusive,
  kRejected,
  kImproved,
  kWeakImprovement,
  kWorse,
  kNoEvidence,
};
[[nodiscard]] std::string_view VerdictName(Verdict verdict);  // harness_invalid ...

struct ComparisonInput {
  int64_t n = 0;         // entries counted: neither unscored nor flaky
  int64_t gains = 0;     // c
  int64_t losses = 0;    // b
  int64_t unscored = 0;  // no usable answer
  int64_t flaky = 0;
  bool controls_failed = false;
  // A loss of type explicit whose label has confidence >= 0.9.
  bool explicit_regression = false;
  // Among the negative entries: triggers now / no longer.
  int64_t new_false_positives = 0;
  int64_t fixed_false_positives = 0;
  // p of the one-sided test after Holm when several candidates were tested.
  std::optional<double> adjusted_p = std::nullopt;
  // Partial results, or no held-out split: at best weak_improvement.
  bool cap_at_weak = false;
};

struct Comparison {
  Verdict verdict = Verdict::kNoEvidence;
  // judge_unreliable flaky explicit_regression regressions overtriggering; ""
  std::string_view reason;
  double p_one_sided = 1;
  double p_two_sided = 1;
  // What would settle a weak or missing result.
  std::optional<int64_t> needed_gains;
  std::optional<int64_t> entries_hint;
};
[[nodiscard]] Comparison Compare(const ComparisonInput& input);

// Holm's step-down adjustment, in the order given.
[[nodiscard]] std::vector<double> HolmAdjust(std::span<const double> p);

// Two-sided exact test of a of n1 against b of n2; 1 when a side is empty.
[[nodiscard]] double FisherTwoSided(int64_t a, int64_t n1, int64_t b, int64_t n2);

// One-sided p that `sample` tends to be larger than `reference`: exact without
// ties for small samples, else normal with tie and continuity correction.
[[nodiscard]] double MannWhitneyGreater(std::span<const double> sample,
                                        std::span<const double> reference);

}  // namespace selftune::stats
