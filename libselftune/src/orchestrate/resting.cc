#include "orchestrate/resting.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "store/job_rows.h"
#include "store/rest_rows.h"
#include "store/write_txn.h"

namespace selftune::orchestrate {
namespace {

// Of all that a reason may depend on and that is known without a look at the disk.
StatusOr<std::string> DependsOn(store::Db& db, const std::string& config,
                                const store::PendingSkill& skill) {
  ST_ASSIGN_OR_RETURN(const std::string stored, store::RestDependsOn(db, skill.id));
  return base::FieldHash("rest").Add(config).Add(stored).Key16();
}

StatusOr<bool> Rests(store::Db& db, const std::string& config, const store::PendingSkill& skill,
                     UtcMillis now) {
  if (!skill.rest.has_value() || skill.rest->until.value <= now.value) return false;
  const int64_t newest = skill.newest_signal;
  if (skill.rest->newest_signal.value_or(newest) != newest) return false;  // more was said
  ST_ASSIGN_OR_RETURN(const std::string depends, DependsOn(db, config, skill));
  return depends == skill.rest->depends;
}

// The next run may choose otherwise.
bool IsOfTheRun(std::string_view reason_code) {
  return reason_code == "selected" || reason_code == "capped" || reason_code == "overlap";
}

// Too little speaks for another description.
bool IsOfEvidence(std::string_view reason_code) {
  return reason_code == "healthy" || reason_code == "no_signal" || reason_code == "weak_signal" ||
         reason_code == "insufficient_evidence";
}

}  // namespace

StatusOr<ToTakeUp> SignalsToTakeUp(store::Db& db, const config::Config& config, UtcMillis now) {
  ToTakeUp out;
  ST_ASSIGN_OR_RETURN(const std::vector<store::PendingSkill> pending,
                      store::ReadPendingSkills(db, now));
  const std::string text = pending.empty() ? "" : config.document.ToJson();
  for (const store::PendingSkill& skill : pending) {
    ST_ASSIGN_OR_RETURN(const bool rests, Rests(db, text, skill, now));
    if (!rests) {
      out.now = true;
      continue;
    }
    const bool whatever_is_said = !skill.rest->newest_signal.has_value();
    if (whatever_is_said) out.resting.push_back(base::AsciiLower(skill.name));
    const UtcMillis until = skill.rest->until;
    out.from = out.from.has_value() ? std::min(*out.from, until) : until;
  }
  return out;
}

Looked LookedAt(const Decision& decision, const CandidateFacts& facts, bool by_hook) {
  const bool no_agent = decision.reason_code == "no_agent";
  Looked out{.skill = decision.skill,
             .asked = decision.reason_code != "filtered" && (!no_agent || by_hook)};
  if (IsOfTheRun(decision.reason_code)) return out;
  out.reason = decision.reason_code;
  out.of_evidence = IsOfEvidence(decision.reason_code) || no_agent;
  if (decision.reason_code == "cooldown") out.until = facts.cooldown_until;
  if (decision.reason_code == "frozen") out.until = facts.frozen_until;
  return out;
}

bool MeetsAgain(const Status& failure, bool asked, int64_t calls) {
  const ErrorCode& code = CodeOf(failure);
  if (code.name == kCancelledError.name) return false;
  if (calls > 0) return true;
  // Before the first call: the budget is others', the text is its own.
  if (asked) return code.name == kContextTooLong.name;
  return !code.retryable;
}

StatusOr<std::vector<RestBasis>> TakeRestBasis(store::Db& db, const config::Config& config,
                                               UtcMillis now) {
  std::vector<RestBasis> out;
  const std::string text = config.document.ToJson();
  ST_ASSIGN_OR_RETURN(const std::vector<store::PendingSkill> pending,
                      store::ReadPendingSkills(db, now));
  for (const store::PendingSkill& skill : pending) {
    ST_ASSIGN_OR_RETURN(std::string depends, DependsOn(db, text, skill));
    out.push_back({.id = skill.id,
                   .skill = base::AsciiLower(skill.name),
                   .depends = std::move(depends),
                   .newest_signal = skill.newest_signal,
                   .rests = skill.rest.has_value()});
  }
  return out;
}

StatusOr<bool> KeepResting(store::Db& db, const std::vector<RestBasis>& basis,
                           const std::vector<Looked>& looked, UtcMillis now) {
  std::map<std::string, const Looked*> by_key;
  for (const Looked& one : looked) by_key[base::AsciiLower(one.skill)] = &one;
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db));
  bool changed = false;
  for (const RestBasis& was : basis) {
    const auto found = by_key.find(was.skill);
    if (found == by_key.end() || !found->second->asked) continue;
    const Looked& why = *found->second;
    if (why.reason.empty()) {
      if (was.rests) ST_RETURN_IF_ERROR(store::EndRest(db, was.id));
      changed = changed || was.rests;
      continue;
    }
    store::RestRow rest{.reason = why.reason,
                        .until = why.until.value_or(UtcMillis{now.value + kLookAgainMs}),
                        .depends = was.depends};
    if (why.of_evidence) rest.newest_signal = was.newest_signal;
    ST_RETURN_IF_ERROR(store::SetRest(db, was.id, rest, now));
    changed = true;
  }
  ST_RETURN_IF_ERROR(txn.Commit());
  return changed;
}

StatusOr<bool> RestAll(store::Db& db, const std::vector<RestBasis>& basis, std::string_view reason,
                       UtcMillis until, UtcMillis now) {
  std::vector<Looked> looked;
  for (const RestBasis& was : basis) {
    looked.push_back({.skill = was.skill, .reason = std::string(reason), .until = until});
  }
  return KeepResting(db, basis, looked, now);
}

}  // namespace selftune::orchestrate
