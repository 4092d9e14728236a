// May a validated change be deployed without a person? Pure.
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"
#include "orchestrate/skill_target.h"
#include "store/job_rows.h"

namespace selftune::orchestrate {

struct PolicyInput {
  const SkillTarget* target = nullptr;
  const config::Config* config = nullptr;
  store::SkillPolicy stored;
  bool review_required = false;
  bool by_itself = false;  // nobody asked for this run
  bool canary = false;     // the weaker tier
};

enum class Permission { kDeploy, kReview, kNever };

struct PolicyDecision {
  Permission permission = Permission::kReview;
  std::string_view reason_code;  // "" review_required locked managed_by_plugin protected
                                 // hard_linked single_file held_by_host
  std::string reason;
};

[[nodiscard]] PolicyDecision DecidePolicy(const PolicyInput& input);

// The skill's own setting: config, then the store, then the default (locked for
// selftune's own, propose under version control, else auto).
[[nodiscard]] config::SkillAutonomy AutonomyOf(const PolicyInput& input);

}  // namespace selftune::orchestrate
