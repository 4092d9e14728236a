// How far a judge, and a mean over dependent entries, can be trusted.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace selftune::stats {

struct AgreementTable {
  int64_t both_pass = 0;
  int64_t judge_only = 0;  // judge pass, human fail
  int64_t human_only = 0;  // judge fail, human pass
  int64_t both_fail = 0;
  [[nodiscard]] int64_t total() const { return both_pass + judge_only + human_only + both_fail; }
};

struct Agreement {
  double observed = 0;                // p_o
  double expected = 0;                // p_e
  double kappa = 0;                   // 1 when both say the same one thing everywhere
  std::optional<double> sensitivity;  // empty without human passes
  std::optional<double> specificity;  // empty without human fails
  bool calibrated = false;            // kappa >= 0.6 from at least 30 labels
};
[[nodiscard]] Agreement CohenKappa(const AgreementTable& table);

// True rate behind an observed one (Rogan-Gladen), clamped to [0, 1]; nullopt
// when the judge is no better than chance (sensitivity + specificity <= 1).
[[nodiscard]] std::optional<double> CorrectedRate(double observed, double sensitivity,
                                                  double specificity);

struct ScoredOutcome {
  double score = 0;  // 0..1
  bool pass = false;
};
[[nodiscard]] double BrierScore(std::span<const ScoredOutcome> outcomes);
// Over equal-width bins, weighted by their share; 0 without outcomes.
[[nodiscard]] double ExpectedCalibrationError(std::span<const ScoredOutcome> outcomes,
                                              int bins = 10);

struct ClusteredValue {
  double value = 0;
  uint64_t cluster = 0;  // e.g. the session
};
struct ClusteredMean {
  double mean = 0;
  double se = 0;             // clusters are the independent units
  double se_iid = 0;         // as if every value were
  double design_effect = 1;  // se^2 / se_iid^2; worth reporting above 1.5
};
[[nodiscard]] ClusteredMean MeanByCluster(std::span<const ClusteredValue> values);

}  // namespace selftune::stats
