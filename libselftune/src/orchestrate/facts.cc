#include "orchestrate/facts.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"
#include "monitoring/health.h"
#include "orchestrate/policy.h"
#include "orchestrate/skill_target.h"
#include "store/deploy_rows.h"
#include "store/job_rows.h"
#include "store/watch_rows.h"

namespace selftune::orchestrate {
namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kMaxSessions = 2000;

Status AddHealth(store::Db& db, UtcMillis now, CandidateFacts& facts) {
  monitoring::HealthInput input;
  ST_ASSIGN_OR_RETURN(input.sessions,
                      store::ReadSkillSessions(db, facts.skill, {now.value - 60 * kDayMs},
                                               {INT64_MAX}, kMaxSessions));
  ST_ASSIGN_OR_RETURN(const std::vector<store::WatchRow> watches,
                      store::ListWatches(db, facts.skill, false));
  if (!watches.empty()) input.watch_state = watches.front().state;
  input.ever_seen = !input.sessions.empty();
  for (const store::SkillSession& session : input.sessions) {
    if (session.started.value >= now.value - 30 * kDayMs && session.missed) ++facts.missed;
  }
  const monitoring::Health health = monitoring::Classify(input, now);
  facts.state = health.state;
  facts.trend = health.trend;
  facts.labelled = health.good + health.bad;
  if (facts.labelled > 0) {
    facts.good_rate = static_cast<double>(health.good) / static_cast<double>(facts.labelled);
  }
  return absl::OkStatus();
}

Status AddPolicy(store::Db& db, const skillfs::Discovery& skills, const config::Config& config,
                 CandidateFacts& facts) {
  ST_ASSIGN_OR_RETURN(const store::SkillPolicy stored, store::ReadSkillPolicy(db, facts.skill));
  facts.cooldown_until = stored.cooldown_until;
  facts.frozen_until = stored.frozen_until;
  ST_ASSIGN_OR_RETURN(facts.last_evolved, store::LastDeployTime(db, facts.skill));
  const auto target = FindTarget(skills, facts.skill, "");
  facts.installed = target.ok() || CodeOf(target.status()).name != kSkillNotFound.name;
  if (!target.ok()) return absl::OkStatus();
  facts.managed = !target->managed_reason.empty();
  facts.explicit_only = target->explicit_only;
  facts.locked = AutonomyOf({.target = &*target, .config = &config, .stored = stored}) ==
                 config::SkillAutonomy::kLocked;
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::vector<CandidateFacts>> GatherFacts(store::Db& db, const skillfs::Discovery& skills,
                                                  const config::Config& config, UtcMillis now) {
  std::map<std::string, CandidateFacts> by_key;
  for (const skillfs::InstalledSkill& skill : skills.skills) {
    by_key[base::AsciiLower(skill.name)].skill = skill.name;
  }
  ST_ASSIGN_OR_RETURN(const std::vector<store::PendingSignals> signals,
                      store::ReadPendingSignals(db, now));
  for (const store::PendingSignals& pending : signals) {
    CandidateFacts& facts = by_key[base::AsciiLower(pending.skill)];
    if (facts.skill.empty()) facts.skill = pending.skill;
    facts.corrections = pending.corrections;
    facts.requests = pending.requests;
    facts.manual = pending.manual;
    facts.unwanted = pending.unwanted;
  }
  std::vector<CandidateFacts> out;
  for (auto& [key, facts] : by_key) {
    ST_RETURN_IF_ERROR(AddHealth(db, now, facts));
    ST_RETURN_IF_ERROR(AddPolicy(db, skills, config, facts));
    out.push_back(std::move(facts));
  }
  return out;
}

}  // namespace selftune::orchestrate
