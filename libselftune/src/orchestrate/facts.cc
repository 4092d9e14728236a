#include "orchestrate/facts.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"
#include "base/time.h"
#include "monitoring/health.h"
#include "orchestrate/policy.h"
#include "orchestrate/skill_target.h"
#include "status/complaints.h"
#include "store/deploy_rows.h"
#include "store/job_rows.h"
#include "store/queries/health.h"
#include "store/queries/skill_facts.h"
#include "store/watch_rows.h"

namespace selftune::orchestrate {
namespace {

constexpr int64_t kHealthDays = 60;

// What the store knows of one skill.
struct Known {
  bool seen = false;
  int64_t missed_before = 0;
  std::vector<store::SkillSession> judged;  // lately
  std::vector<store::SkillPlace> places;    // as of the last sync
};
using KnownByName = std::map<std::string, Known>;  // lower case

// Of all skills at once: cost follows what was judged, not what was used.
StatusOr<KnownByName> ReadKnown(store::Db& db, UtcMillis now) {
  ST_ASSIGN_OR_RETURN(const std::vector<store::SkillTotals> skills, store::ReadSkillTotals(db));
  KnownByName out;
  std::map<store::SkillId, Known*> by_id;
  for (const store::SkillTotals& skill : skills) {
    Known& known = out[base::AsciiLower(skill.name)];
    known.seen = skill.checks > 0;
    by_id[skill.id] = &known;
  }
  ST_ASSIGN_OR_RETURN(const auto misses,
                      store::ReadMissesBefore(db, UtcMillis{now.value - kCandidateDays * kDayMs}));
  for (const auto& [id, count] : misses) {
    const auto known = by_id.find(id);
    if (known != by_id.end()) known->second->missed_before = count;
  }
  ST_ASSIGN_OR_RETURN(const std::vector<store::SkillPlace> places, store::ReadSkillPlaces(db));
  for (const store::SkillPlace& place : places) {
    const auto known = by_id.find(place.id);
    if (known != by_id.end()) known->second->places.push_back(place);
  }
  const store::TimeWindow window{.from = UtcMillis{now.value - kHealthDays * kDayMs}};
  ST_ASSIGN_OR_RETURN(std::vector<store::JudgedSession> judged,
                      store::ReadJudgedSessions(db, {.window = window}));
  for (store::JudgedSession& one : judged) {
    // One that another process added since the skills were read waits for the next run.
    const auto known = by_id.find(one.skill);
    if (known == by_id.end()) continue;
    known->second->seen = true;
    known->second->judged.push_back(std::move(one.session));
  }
  return out;
}

Status AddHealth(store::Db& db, UtcMillis now, Known known, CandidateFacts& facts) {
  monitoring::HealthInput input{.sessions = std::move(known.judged)};
  ST_ASSIGN_OR_RETURN(const std::vector<store::WatchRow> watches,
                      store::ListWatches(db, facts.skill, false));
  if (!watches.empty()) input.watch_state = watches.front().state;
  input.ever_seen = known.seen;
  facts.missed_before = known.missed_before;
  for (const store::SkillSession& session : input.sessions) {
    const bool recent = session.started.value >= now.value - kCandidateDays * kDayMs;
    facts.missed += recent && session.missed ? 1 : 0;
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
                 const NamedText& named, CandidateFacts& facts) {
  ST_ASSIGN_OR_RETURN(const store::SkillPolicy stored, store::ReadSkillPolicy(db, facts.skill));
  facts.cooldown_until = stored.cooldown_until;
  facts.frozen_until = stored.frozen_until;
  ST_ASSIGN_OR_RETURN(facts.last_evolved, store::LastDeployTime(db, facts.skill));
  const bool is_named = base::EqualsIgnoreCase(facts.skill, named.skill);
  const auto target = FindTarget(skills, facts.skill, is_named ? named.path : "");
  facts.installed = target.ok() || CodeOf(target.status()).name != kSkillNotFound.name;
  facts.ambiguous = !target.ok() && CodeOf(target.status()).name == kAmbiguousSkill.name;
  if (!target.ok()) return absl::OkStatus();
  facts.held = target->managed_code == kHeldByHost;
  facts.managed = !facts.held && !target->managed_reason.empty();
  facts.explicit_only = target->explicit_only;
  facts.locked = AutonomyOf({.target = &*target, .config = &config, .stored = stored}) ==
                 config::SkillAutonomy::kLocked;
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::vector<CandidateFacts>> GatherFacts(store::Db& db, const skillfs::Discovery& skills,
                                                  const config::Config& config, UtcMillis now,
                                                  const NamedText& named,
                                                  const status::OffSwitches* off) {
  std::map<std::string, CandidateFacts> by_key;
  for (const skillfs::InstalledSkill& skill : skills.skills) {
    by_key[base::AsciiLower(skill.name)].skill = skill.name;
  }
  const UtcMillis since{now.value - kCandidateDays * kDayMs};
  ST_ASSIGN_OR_RETURN(const std::vector<status::Complaints> complaints,
                      status::ReadComplaints(db, since, off));
  for (const status::Complaints& pending : complaints) {
    CandidateFacts& facts = by_key[base::AsciiLower(pending.skill)];
    if (facts.skill.empty()) facts.skill = pending.skill;
    facts.corrections = pending.corrections;
    facts.requests = pending.requests;
    facts.manual = pending.manual;
    facts.unwanted = pending.unwanted;
  }
  ST_ASSIGN_OR_RETURN(KnownByName known, ReadKnown(db, now));
  std::vector<CandidateFacts> out;
  for (auto& [key, facts] : by_key) {
    if (off != nullptr) {
      const status::OffVerdict verdict = off->Of(facts.skill, known[key].places);
      facts.disabled = verdict.everywhere;
      if (verdict.nobody_knows) facts.unknown_settings = verdict.unknown.front().settings;
    }
    ST_RETURN_IF_ERROR(AddHealth(db, now, std::move(known[key]), facts));
    ST_RETURN_IF_ERROR(AddPolicy(db, skills, config, named, facts));
    out.push_back(std::move(facts));
  }
  return out;
}

}  // namespace selftune::orchestrate
