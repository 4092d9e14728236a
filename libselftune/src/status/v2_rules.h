// The rules by which the v2 interface of the dashboard judges skills, those of
// the reference (dashboard.md A3). Kept for its page and scripts; everything
// new uses status/summary.h.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "store/queries/v2.h"

namespace selftune::status::v2 {

struct Attention {
  std::string_view category;  // needs_review regression
  std::string_view severity;  // critical warning info
  std::string reason;
  std::string recommended_action;
};
// The first rule that matches; nullopt when none does.
[[nodiscard]] std::optional<Attention> AttentionOf(const store::V2Skill& skill);

struct Trust {
  std::string_view bucket;  // at_risk improving uncertain stable
  std::string_view state;   // rolled_back deployed validated watch low_sample observed
  std::string reason;
};
[[nodiscard]] Trust TrustOf(const store::V2Skill& skill);

// What a step of the audit decided; "" when it decided nothing.
[[nodiscard]] std::string_view DecisionKind(const store::V2Event& event);

// blocked needs_review watching healthy
struct AutonomyInput {
  bool critical = false, needs_review = false;  // attention
  std::optional<UtcMillis> last_run;
  bool recent_decision = false;
  UtcMillis now{0};
};
[[nodiscard]] std::string_view AutonomyLevel(const AutonomyInput& input);

// How far the tests of a skill are, and what comes next.
struct Readiness {
  std::string_view evals;      // log_ready cold_start_ready telemetry_only
  std::string_view next_step;  // generate_evals run_unit_tests run_replay_dry_run
                               // measure_baseline deploy_candidate watch_deployment
  std::string summary;
  std::vector<std::string> command;
  std::string_view deployment;  // blocked rolled_back watching ready_to_deploy
  std::string deployment_summary;
};
[[nodiscard]] Readiness ReadinessOf(const store::V2Skill& skill);

// Steps of the creator's loop, in the order in which they are suggested.
[[nodiscard]] std::span<const std::string_view> CreatorSteps();

}  // namespace selftune::status::v2
