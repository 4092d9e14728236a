#include "orchestrate/policy.h"

#include <optional>

namespace selftune::orchestrate {

using config::Autonomy;
using config::SkillAutonomy;

SkillAutonomy AutonomyOf(const PolicyInput& input) {
  if (input.target->off) return SkillAutonomy::kLocked;
  if (const auto set = input.config->AutonomyOf(input.target->skill)) return *set;
  if (const auto set = config::ParseSkillAutonomy(input.stored.autonomy)) return *set;
  if (config::IsOwnSkill(input.target->skill)) return SkillAutonomy::kLocked;
  return input.target->in_git ? SkillAutonomy::kPropose : SkillAutonomy::kAuto;
}

PolicyDecision DecidePolicy(const PolicyInput& input) {
  if (!input.target->managed_reason.empty()) {
    return {Permission::kNever, input.target->managed_code, input.target->managed_reason};
  }
  const SkillAutonomy own = AutonomyOf(input);
  if (own == SkillAutonomy::kLocked) {
    return {Permission::kNever, "locked", "the skill is locked"};
  }
  if (input.by_itself && input.config->autonomy == Autonomy::kOff) {
    return {Permission::kNever, "locked", "nothing may run by itself (autonomy off)"};
  }
  if (input.review_required) {
    return {Permission::kReview, "review_required", "a review was asked for"};
  }
  if (own == SkillAutonomy::kPropose) {
    return {Permission::kReview, "review_required",
            input.target->in_git ? "the file is under version control: its change concerns a team"
                                 : "this skill's changes wait for a review"};
  }
  if (input.by_itself && input.config->autonomy == Autonomy::kPropose) {
    return {Permission::kReview, "review_required", "runs by themselves only propose"};
  }
  if (input.target->explicit_only) {
    return {Permission::kReview, "review_required", "the model may not load this skill by itself"};
  }
  if (input.canary && !input.config->Get("evolution.auto_canary").AsBool()) {
    return {Permission::kReview, "review_required",
            "the gain is probable, not proven: a person decides"};
  }
  return {Permission::kDeploy, "", ""};
}

}  // namespace selftune::orchestrate
