#include "status/v2_rules.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/json_value.h"
#include "base/strings.h"
#include "base/time.h"

namespace selftune::status::v2 {
namespace {

constexpr int64_t kFewChecks = 5;
constexpr int64_t kSomeChecks = 10;
constexpr int64_t kLogReady = 3;
constexpr double kRegression = 0.10;
constexpr double kAtRisk = 0.15;

constexpr std::array<std::string_view, 8> kSteps = {
    "run_create_check",   "finish_package",   "generate_evals",   "run_unit_tests",
    "run_replay_dry_run", "measure_baseline", "deploy_candidate", "watch_deployment",
};

double MissRate(const store::V2Skill& skill) {
  return skill.checks == 0 ? 0
                           : static_cast<double>(skill.missed) / static_cast<double>(skill.checks);
}

bool Deployed(const store::V2Skill& skill) {
  return skill.latest_action == "deployed" || skill.latest_action == "confirmed";
}

// The snapshot of a test names entries that passed before and do not any more.
bool HasRegressions(const std::string& snapshot) {
  const auto parsed = base::JsonValue::Parse(snapshot);
  if (!parsed.ok()) return false;
  const base::JsonValue& found = (*parsed)["regressions"];
  return found.is_array() ? !found.items().empty() : found.AsInt() > 0;
}

struct Step {
  std::string_view name;
  std::string_view summary;
  std::vector<std::string> command;
};

Step NextStep(const store::V2Skill& skill) {
  const std::string& name = skill.name;
  if (Deployed(skill)) {
    return {"watch_deployment", "watch how the deployed description does",
            base::WithFlag({"selftune", "watch"}, "--skill", name)};
  }
  if (skill.eval_entries == 0) {
    return {"generate_evals", "make an eval set from the evidence",
            base::WithFlag({"selftune", "eval", "generate"}, "--skill", name)};
  }
  if (skill.replays == 0) {
    std::vector<std::string> command = base::WithFlag({"selftune", "evolve"}, "--skill", name);
    command.emplace_back("--dry-run");
    return {"run_replay_dry_run", "test a better description without changing anything",
            std::move(command)};
  }
  return {"deploy_candidate", "let a better description be found, tested and deployed",
          base::WithFlag({"selftune", "evolve"}, "--skill", name)};
}

}  // namespace

std::optional<Attention> AttentionOf(const store::V2Skill& skill) {
  if (skill.latest_action == "rolled_back") {
    return Attention{"needs_review", "critical", "its last change was rolled back",
                     "look at what the change did before trying again"};
  }
  if (skill.pending > 0) {
    return Attention{"needs_review", "info",
                     fmt::format("{} proposal{} for a review", skill.pending,
                                 skill.pending == 1 ? " waits" : "s wait"),
                     "approve or reject"};
  }
  if (skill.checks < kFewChecks || MissRate(skill) <= kRegression) return std::nullopt;
  return Attention{"regression", "warning",
                   fmt::format("missed {} of {} times", skill.missed, skill.checks),
                   "see why, then improve the description"};
}

Trust TrustOf(const store::V2Skill& skill) {
  Trust out;
  const std::string& latest = skill.latest_action;
  if (latest == "rolled_back") {
    out.state = "rolled_back";
  } else if (Deployed(skill)) {
    out.state = "deployed";
  } else if (latest == "validated") {
    out.state = "validated";
  } else {
    out.state = skill.checks < kFewChecks ? "low_sample" : "observed";
  }
  if (latest == "rolled_back") {
    out.bucket = "at_risk";
    out.reason = "its last change was rolled back";
  } else if (MissRate(skill) > kAtRisk) {
    out.bucket = "at_risk";
    out.reason = fmt::format("missed {} of {} times", skill.missed, skill.checks);
  } else if (latest == "validated" || latest == "created") {
    out.bucket = "improving";
    out.reason = "a better description is being tested";
  } else if (skill.checks < kSomeChecks) {
    out.bucket = "uncertain";
    out.reason = fmt::format("only {} checks", skill.checks);
  } else {
    out.bucket = "stable";
    out.reason = fmt::format("{} checks, {} missed", skill.checks, skill.missed);
  }
  return out;
}

std::string_view DecisionKind(const store::V2Event& event) {
  if (event.action == "created") return "proposal_created";
  if (event.action == "validated") {
    return HasRegressions(event.snapshot) ? "validation_failed" : "proposal_created";
  }
  if (event.action == "rejected") return "proposal_rejected";
  if (event.action == "deployed") return "proposal_deployed";
  return event.action == "rolled_back" ? "rollback_triggered" : "";
}

std::string_view AutonomyLevel(const AutonomyInput& input) {
  if (input.critical) return "blocked";
  if (input.needs_review) return "needs_review";
  const bool ran = input.last_run.has_value() && input.now.value - input.last_run->value < kDayMs;
  return ran || input.recent_decision ? "watching" : "healthy";
}

Readiness ReadinessOf(const store::V2Skill& skill) {
  Readiness out;
  out.evals = skill.triggered >= kLogReady ? "log_ready"
              : skill.path.empty()         ? "telemetry_only"
                                           : "cold_start_ready";
  Step step = NextStep(skill);
  out.next_step = step.name;
  out.summary = step.summary;
  out.command = std::move(step.command);
  if (skill.latest_action == "rolled_back") {
    out.deployment = "rolled_back";
    out.deployment_summary = "the last change was taken back";
  } else if (out.next_step == "watch_deployment") {
    out.deployment = "watching";
    out.deployment_summary = "a change is deployed and watched";
  } else if (out.next_step == "deploy_candidate") {
    out.deployment = "ready_to_deploy";
    out.deployment_summary = "everything before a deploy was done";
  } else {
    out.deployment = "blocked";
    out.deployment_summary = fmt::format("first: {}", out.summary);
  }
  return out;
}

std::span<const std::string_view> CreatorSteps() { return kSteps; }

}  // namespace selftune::status::v2
